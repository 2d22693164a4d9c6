import { MusterError, outsideAccount, tenantAccount } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { at, move, someEvent, someId } from '../test-records.ts'
import { createMemoryStore, type FaultPoint } from './create-memory-store.ts'
import { createMemoryDisk } from './memory-disk.ts'

const crashAt = (point: FaultPoint, commit: number) => {
  let commits = 0
  return (reached: FaultPoint) => {
    if (reached === point && ++commits === commit) throw new Error('crash')
  }
}

const settles = async (promise: Promise<unknown>): Promise<boolean> => {
  let settled = false
  void promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

describe('a crash of the store in memory', () => {
  test.for([
    ['before-commit', 2],
    ['after-commit', 3],
  ] as const)('%s: what was durable is there, the rest is not', async ([point, kept]) => {
    const disk = createMemoryDisk()
    const store = createMemoryStore({ disk, onFaultPoint: crashAt(point, 3) })
    const job = someId('job')
    const commit = (version: number) =>
      store.commit({ appends: [{ stream: job, expectedVersion: version, events: [someEvent()], at }] })
    await commit(0)
    await commit(1)
    expect(await settles(commit(2))).toBe(false)
    expect(await settles(commit(3))).toBe(false)
    expect(await settles(store.readStream(job))).toBe(false)
    expect(await settles(store.close())).toBe(true)
    expect((await createMemoryStore({ disk }).readStream(job))?.version).toBe(kept)
  })

  test('a refused commit reaches no fault point', async () => {
    const points: FaultPoint[] = []
    const store = createMemoryStore({ onFaultPoint: (point) => points.push(point) })
    const entry = move(tenantAccount(someId('tenant')), outsideAccount, 1n)
    await expect(store.commit({ entries: [entry] })).rejects.toMatchObject({ code: 'insufficient_funds' })
    expect(points).toEqual([])
    await store.commit({})
    expect(points).toEqual(['before-commit', 'after-commit'])
  })

  test('a MusterError at a fault point fails the commit and leaves the store alive', async () => {
    let full = true
    const disk = createMemoryDisk()
    const store = createMemoryStore({
      disk,
      onFaultPoint: () => {
        if (full) throw new MusterError({ code: 'disk_full', message: 'Full.' })
      },
    })
    const job = someId('job')
    const commit = { appends: [{ stream: job, expectedVersion: 0, events: [someEvent()], at }] }
    await expect(store.commit(commit)).rejects.toMatchObject({ code: 'disk_full' })
    full = false
    await store.commit(commit)
    expect((await store.readStream(job))?.version).toBe(1)
  })
})
