import { attemptId, MusterError, newId, systemWorld, type Cid, type NamedBlob } from '@muster/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { missingBlob } from '../blob/refuse-blob.ts'
import type { ReadBlob, Workload, WorkloadResult, WorkloadTask } from './workload.ts'

export interface WorkloadFixture {
  open(): Workload
  /** What the market would send. */
  readonly blobs: ReadonlyMap<Cid, Uint8Array>
  /** A task that ends well by itself; run again it gives the same outputs. */
  readonly good: { readonly program: Cid | null; readonly inputs: readonly NamedBlob[] }
  /** A task that never ends by itself; `null` where the runtime has none. */
  readonly endless: { readonly program: Cid | null; readonly inputs: readonly NamedBlob[] } | null
}

/** What every workload promises. */
export const testWorkload = (name: string, { open, blobs, good, endless }: WorkloadFixture): void => {
  const opened: Workload[] = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((workload) => workload.stop()))
  })
  const openOne = (): Workload => {
    const workload = open()
    opened.push(workload)
    return workload
  }

  const readBlob: ReadBlob = async (cid, signal) => {
    if (signal.aborted) throw new MusterError({ code: 'cancelled', message: 'cancelled' })
    const bytes = blobs.get(cid)
    if (bytes === undefined) throw missingBlob(cid)
    return bytes
  }

  const taskOf = (work: WorkloadFixture['good'], changes: Partial<WorkloadTask> = {}): WorkloadTask => ({
    attempt: attemptId(newId(systemWorld, 'job'), 0, 1),
    group: 'tnt_1',
    program: work.program,
    inputs: work.inputs,
    limits: { timeoutMs: 60_000, memoryBytes: 2 ** 30, cpuMilli: 1000 },
    readBlob,
    log: () => {},
    ...changes,
  })

  const never = (): AbortSignal => new AbortController().signal

  describe(`workload: ${name}`, () => {
    test('runs what it prepared, and gives the same outputs each time', async () => {
      const workload = openOne()
      await workload.prepare(good.program, readBlob, never())
      const first = await workload.run(taskOf(good), never())
      await workload.prepare(good.program, readBlob, never())
      const second = await workload.run(taskOf(good), never())
      expect(second.outputs).toEqual(first.outputs)
      for (const { outputs, cpuMs, peakMemoryBytes } of [first, second] satisfies WorkloadResult[]) {
        expect(new Set(outputs.map((output) => output.name)).size).toBe(outputs.length)
        expect(cpuMs).toBeGreaterThanOrEqual(0)
        expect(peakMemoryBytes).toBeGreaterThanOrEqual(0)
      }
    })

    test('runs several at once', async () => {
      const workload = openOne()
      const results = await Promise.all([1, 2, 3].map(async () => workload.run(taskOf(good), never())))
      expect(results).toHaveLength(3)
    })

    test('runs nothing that was cancelled before', async () => {
      const workload = openOne()
      const signal = AbortSignal.abort()
      await expect(workload.run(taskOf(good), signal)).rejects.toMatchObject({ code: 'cancelled' })
    })

    test('after it was stopped it rejects, and stops again', async () => {
      const workload = openOne()
      await workload.run(taskOf(good), never())
      await workload.stop()
      await workload.stop()
      await expect(workload.run(taskOf(good), never())).rejects.toBeInstanceOf(MusterError)
    })

    test.skipIf(endless === null)('a cancelled run ends and leaves room for the next', async () => {
      const workload = openOne()
      const abort = new AbortController()
      const running = Promise.resolve(workload.run(taskOf(endless ?? good), abort.signal))
      running.catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 500))
      abort.abort()
      await expect(running).rejects.toMatchObject({ code: 'cancelled' })
      await workload.run(taskOf(good), never())
    })

    test.skipIf(endless === null)('a run that takes too long ends', async () => {
      const workload = openOne()
      const limits = { timeoutMs: 300, memoryBytes: 2 ** 30, cpuMilli: 1000 }
      await expect(workload.run(taskOf(endless ?? good, { limits }), never())).rejects.toMatchObject({
        code: 'program_timeout',
      })
    })

    test.skipIf(endless === null)('stopping ends what runs', async () => {
      const workload = openOne()
      const running = Promise.resolve(workload.run(taskOf(endless ?? good), never()))
      running.catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 500))
      await workload.stop()
      await expect(running).rejects.toBeInstanceOf(MusterError)
    })
  })
}
