import type { JobId, Muster } from '@muster/sdk'
import type { Devnet, DevnetAgent } from './start-devnet.ts'

export interface KilledAgent {
  readonly agent: DevnetAgent
  readonly job: JobId
  /** Attempts it held when it was killed. */
  readonly attempts: number
}

const pollMs = 50
/** Share of a job's tasks that are done before the blow, so that it falls in the middle. */
const afterShare = 0.2

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The agent that holds most running attempts of a job. */
const busiest = async (muster: Muster, job: JobId, devnet: Devnet): Promise<KilledAgent | undefined> => {
  const held = new Map<string, number>()
  for await (const { attempts } of muster.listTasks(job)) {
    for (const { provider, phase } of attempts)
      if (phase === 'running') held.set(provider, (held.get(provider) ?? 0) + 1)
  }
  const [most] = [...held].toSorted(([, a], [, b]) => b - a)
  const agent = devnet.agents.find(({ provider }) => provider === most?.[0])
  return agent === undefined || most === undefined ? undefined : { agent, job, attempts: most[1] }
}

/**
 * Kills one agent with SIGKILL in the middle of a job that has at least `leastTasks` tasks, while it holds a running
 * attempt. Resolves to which, or to `undefined` where `signal` aborted before there was such a job.
 */
export const killBusyAgent = async (
  muster: Muster,
  devnet: Devnet,
  leastTasks: number,
  signal: AbortSignal,
): Promise<KilledAgent | undefined> => {
  while (!signal.aborted) {
    for (const { id, phase, counts } of await muster.listJobs({ limit: 5 })) {
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
      if (phase !== 'active' || total < leastTasks || counts.final < total * afterShare || counts.running === 0)
        continue
      const target = await busiest(muster, id, devnet)
      if (target === undefined) continue
      target.agent.program.kill()
      return target
    }
    await pause(pollMs)
  }
  return undefined
}
