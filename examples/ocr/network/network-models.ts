import {
  decodeTensor,
  encodeTensor,
  type FinishedTask,
  type JobView,
  type Muster,
  type PublishedProgram,
  type Tensor,
  type TimelineEvent,
} from '@muster/sdk'
import type { OcrModels } from '../read-pages.ts'

export type Wave = 'detection' | 'recognition'

/** What one wave of tasks was and cost. */
export type WaveReport = {
  readonly wave: Wave
  readonly job: JobView
  readonly program: PublishedProgram
  /** In the order of the questions. */
  readonly tasks: readonly FinishedTask[]
  readonly events: readonly TimelineEvent[]
  readonly tookMs: number
}

export type NetworkOptions = {
  /** The two programs, as they were published at the market. */
  readonly programs: Readonly<Record<Wave, PublishedProgram>>
  readonly slots: number
  /** The dearest operator that is accepted, in nano-dollars. */
  readonly maxNanoUsdPerOperator: bigint
  readonly onProgress: (wave: Wave, done: number, total: number) => void
  readonly onWave: (report: WaveReport) => void
}

const slot = { cpuMilli: 1_000, memoryBytes: 768 * 2 ** 20, diskBytes: 0 }
const onlyName = (values: readonly { readonly name: string }[]): string => values[0]?.name ?? ''

/** The models as they run on the network: each wave is one batch job with a task for each question. */
export const createNetworkModels = (muster: Muster, options: NetworkOptions): OcrModels => {
  const ask = async (wave: Wave, questions: readonly Tensor[]): Promise<readonly Tensor[]> => {
    if (questions.length === 0) return []
    const started = performance.now()
    const program = options.programs[wave]
    const name = onlyName(program.manifest.inputs)
    const cids = await muster.putBlobs(questions.map(encodeTensor))
    const price = options.maxNanoUsdPerOperator
    const spec = {
      apiVersion: 'muster/v1' as const,
      kind: 'batch' as const,
      name: `ocr-${wave}`,
      runtime: 'graph' as const,
      program: program.id,
      tasks: cids.map((cid) => ({ inputs: [{ name, cid }] })),
      slots: options.slots,
      resources: slot,
      maxPrice: { nanoUsd: price, per: 'operator' as const },
      ceiling: price * BigInt(program.manifest.operators) * BigInt(questions.length),
      limits: { taskTimeoutMs: 120_000 },
    }

    const answers: Tensor[] = []
    const tasks: FinishedTask[] = []
    const events: TimelineEvent[] = []
    const fetching: Promise<void>[] = []
    let job: JobView | undefined
    let done = 0
    options.onProgress(wave, 0, questions.length)
    const runOptions = {
      onSubmit: (view: JobView) => (job = view),
      onEvent: (event: TimelineEvent) => events.push(event),
    }
    for await (const task of muster.runTasks(spec, runOptions)) {
      const [output] = task.outputs
      if (output === undefined) throw new Error(`task ${task.index} of ${wave} has no output`)
      tasks[task.index] = task
      fetching.push(
        muster.getBlob(output.cid).then((bytes) => {
          answers[task.index] = decodeTensor(bytes)
        }),
      )
      options.onProgress(wave, ++done, questions.length)
    }
    await Promise.all(fetching)
    if (job !== undefined)
      options.onWave({
        wave,
        job: await muster.getJob(job.id),
        program,
        tasks,
        events,
        tookMs: performance.now() - started,
      })
    return answers
  }

  return {
    detect: (pages) => ask('detection', pages),
    recognise: (lines) => ask('recognition', lines),
  }
}
