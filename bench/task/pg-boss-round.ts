import { PgBoss } from 'pg-boss'

/** A rival on the same server: pg-boss with its queue ready. */
export interface PgBossRival {
  readonly version: string
  /** Inserts `jobs` jobs in one call, fetches and completes them in batches; resolves to the milliseconds it took. */
  round(jobs: number): Promise<number>
  stop(): Promise<void>
}

const batchSize = 50
const workers = 4
const queue = 'muster-bench'

/** pg-boss at its fastest documented batching: one `insert`, then `fetch` and `complete` with arrays of 50 by four workers. */
export const startPgBoss = async (connectionString: string, version: string): Promise<PgBossRival> => {
  const boss = new PgBoss({ connectionString, max: 8, supervise: false, schedule: false })
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${String(error)}\n`))
  await boss.start()
  await boss.createQueue(queue)

  const drain = async (): Promise<number> => {
    let completed = 0
    while (true) {
      const jobs = await boss.fetch(queue, { batchSize })
      if (jobs.length === 0) return completed
      await boss.complete(
        queue,
        jobs.map(({ id }) => id),
      )
      completed += jobs.length
    }
  }

  return {
    version,
    round: async (jobs) => {
      const startedAt = performance.now()
      await boss.insert(
        queue,
        Array.from({ length: jobs }, (_, index) => ({ data: { index } })),
      )
      const completed = await Promise.all(Array.from({ length: workers }, drain))
      const tookMs = performance.now() - startedAt
      const total = completed.reduce((sum, count) => sum + count, 0)
      if (total !== jobs) throw new Error(`pg-boss completed ${total} of ${jobs} jobs`)
      return tookMs
    },
    stop: () => boss.stop({ graceful: false }),
  }
}
