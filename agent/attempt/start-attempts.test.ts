import { attemptId, cidOf, MusterError, newId, toProblem, type AttemptId, type JobId } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { openMemoryJournal } from '../journal/memory/open-journal.ts'
import type { Journal } from '../journal/journal.ts'
import { leaseSlots } from '../stage/lease-slots.ts'
import { batchOf, input } from '../stage/stage-market.ts'
import { setStage } from '../stage/stage-agent.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('start', () => {
  test('the same attempt twice runs once', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 2)
    const attempt = stage.market.start(lease, 0)
    stage.market.start(lease, 0)
    await stage.world.settle()
    stage.market.start(lease, 0)
    await stage.world.settle()
    expect(stage.workload.begun).toEqual([attempt])
  })

  test('a start of an attempt that has ended repeats its claim at once', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0)
    await stage.world.settle()
    stage.workload.runs.get(attempt)?.finish()
    await stage.world.pass(5)
    stage.market.start(lease, 0)
    await stage.world.settle()
    expect(stage.market.claims().map(({ record }) => record.attempt)).toEqual([attempt, attempt])
    expect(stage.workload.begun).toEqual([attempt])
  })

  test('an attempt that is cancelled in the moment it starts leaves nothing in the journal', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0)
    stage.market.send({ type: 'cancel', attempts: [attempt] })
    await stage.world.settle()
    expect((await stage.journal.load()).filter(({ kind }) => kind === 'starts')).toEqual([])
    expect(stage.workload.begun).toEqual([])
  })

  test('a start that comes after its attempt was settled does nothing', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0)
    await stage.world.settle()
    stage.workload.runs.get(attempt)?.finish()
    await stage.world.pass(5)
    stage.market.send({ type: 'settled', attempts: [attempt] })
    stage.market.start(lease, 0)
    await stage.world.pass(100)
    expect(stage.workload.begun).toEqual([attempt])
    expect(stage.agent().status().attempts).toEqual([])
  })

  test('a higher fence stops a lower one, and a lower one never runs after it, restart or not', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 2)
    const old = stage.market.start(lease, 0, 1)
    await stage.world.settle()
    const fresh = stage.market.start(lease, 0, 3)
    await stage.world.settle()
    expect(stage.workload.cancelled).toEqual([old])
    stage.market.start(lease, 0, 2)
    await stage.restart()
    await stage.world.pass(500)
    stage.market.start(lease, 0, 2)
    stage.market.start(lease, 0, 1)
    await stage.world.settle()
    expect(stage.workload.begun).toEqual([old, fresh, fresh])
  })

  test('nothing runs before the journal holds it', async () => {
    const inner = openMemoryJournal()
    const held = Promise.withResolvers<void>()
    let isHolding = false
    const journal: Journal = {
      ...inner,
      commit: async (changes) => {
        if (isHolding) await held.promise
        return inner.commit(changes)
      },
    }
    const stage = await setStage({ modules: { journal } })
    const lease = await leaseSlots(stage)
    isHolding = true
    const attempt = stage.market.start(lease, 0)
    await stage.world.pass(100)
    expect(stage.workload.begun).toEqual([])
    held.resolve()
    await stage.world.settle()
    expect(stage.workload.begun).toEqual([attempt])
  })

  test('a lease that closes while a start is being written leaves nothing behind', async () => {
    const inner = openMemoryJournal()
    const held = Promise.withResolvers<void>()
    let isHolding = false
    const journal: Journal = {
      ...inner,
      commit: async (changes) => {
        if (isHolding) await held.promise
        return inner.commit(changes)
      },
    }
    const stage = await setStage({ modules: { journal } })
    const lease = await leaseSlots(stage)
    isHolding = true
    stage.market.start(lease, 0)
    await stage.world.settle()
    const closing = stage.market.close(lease)
    held.resolve()
    await closing
    await stage.world.pass(100)
    expect(stage.workload.begun).toEqual([])
    expect(stage.agent().status().attempts).toEqual([])
    expect(await inner.load()).toEqual([])
  })

  test('a full disk fails the attempt, and it may be started again', async () => {
    const inner = openMemoryJournal()
    let isFull = false
    const journal: Journal = {
      ...inner,
      commit: async (changes) => {
        if (isFull && changes.length > 0) throw new MusterError({ code: 'disk_full', message: 'full' })
        return inner.commit(changes)
      },
    }
    const stage = await setStage({ modules: { journal } })
    const lease = await leaseSlots(stage)
    isFull = true
    const attempt = stage.market.start(lease, 0)
    await stage.world.settle()
    expect(stage.market.failures()).toMatchObject([{ attempt, problem: { code: 'disk_full' } }])
    isFull = false
    stage.market.start(lease, 0)
    await stage.world.settle()
    expect(stage.workload.begun).toEqual([attempt])
  })

  test.each([
    ['an unknown lease', 'lease_closed'],
    ['another job', 'record_invalid'],
    ['another runtime', 'record_invalid'],
  ])('with %s is answered with a failure', async (what, code) => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const changes =
      what === 'an unknown lease'
        ? { lease: newId(stage.world, 'lease') }
        : what === 'another job'
          ? { job: newId(stage.world, 'job') }
          : { runtime: 'graph' as const }
    stage.market.start(lease, 0, 1, changes)
    await stage.world.settle()
    expect(stage.market.failures()).toMatchObject([{ problem: { code } }])
    expect(stage.workload.begun).toEqual([])
  })

  test('more than may wait are answered with a failure', async () => {
    const stage = await setStage({ options: { maxQueuedPerLease: 2 } })
    const lease = await leaseSlots(stage)
    const attempts = [0, 1, 2, 3].map((index) => stage.market.start(lease, index))
    await stage.world.settle()
    expect(stage.market.failures().map(({ attempt }) => attempt)).toEqual(attempts.slice(2))
    expect(stage.market.failures()[0]?.problem.code).toBe('rate_limited')
  })
})

describe('cancel', () => {
  test('stops what runs, drops what waits, and says nothing', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const [running, queued, next] = [0, 1, 2].map((index) => stage.market.start(lease, index)) as [
      AttemptId,
      AttemptId,
      AttemptId,
    ]
    await stage.world.settle()
    stage.market.send({ type: 'cancel', attempts: [running, queued] })
    await stage.world.pass(20_000)
    expect(stage.workload.cancelled).toEqual([running])
    expect(stage.workload.begun).toEqual([running, next])
    expect(stage.market.failures()).toEqual([])
    expect(stage.agent().status().attempts).toEqual([{ id: next, phase: 'running' }])
  })

  test('that overtakes its start keeps it from running', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = attemptId(lease.record.job as JobId, 0, 1)
    stage.market.send({ type: 'cancel', attempts: [attempt] })
    stage.market.start(lease, 0)
    await stage.world.settle()
    expect(stage.workload.begun).toEqual([])
  })

  test('of an attempt that has ended does not take its claim back', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0)
    await stage.world.settle()
    stage.workload.runs.get(attempt)?.finish()
    stage.market.send({ type: 'cancel', attempts: [attempt] })
    await stage.world.pass(5)
    stage.market.send({ type: 'cancel', attempts: [attempt] })
    await stage.world.pass(5)
    expect(
      stage
        .agent()
        .status()
        .attempts.map(({ id }) => id),
    ).toEqual(stage.market.claims().map(({ record }) => record.attempt))
  })
})

describe('failures', () => {
  test('of a workload are reported with their fault until they are settled', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 2)
    const [first, second] = [0, 1].map((index) => stage.market.start(lease, index)) as [AttemptId, AttemptId]
    await stage.world.settle()
    stage.workload.runs
      .get(first)
      ?.fail(new MusterError({ code: 'program_crashed', message: 'boom', facts: { loss: 0.5 } }))
    stage.workload.runs.get(second)?.fail(new TypeError('secret of this machine'))
    await stage.world.pass(5)
    expect(stage.market.failures()).toMatchObject([
      { attempt: first, problem: { code: 'program_crashed', fault: 'program', facts: { loss: '0.5' } } },
      { attempt: second, problem: { code: 'workload_failed', fault: 'machine' } },
    ])
    expect(JSON.stringify(stage.market.failures())).not.toContain('secret')
    await stage.restart()
    await stage.world.pass(500)
    expect(stage.market.failures()).toHaveLength(4)
    stage.market.send({ type: 'settled', attempts: [first, second] })
    await stage.world.pass(30_000)
    expect(stage.market.failures()).toHaveLength(4)
    const kinds = (await stage.journal.load()).map(({ kind }) => kind)
    expect(kinds.toSorted()).toEqual(['fences', 'fences', 'reservation'])
  })

  test('an attempt that takes too long is stopped', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0, 1, { timeoutMs: 1000 })
    await stage.world.pass(1010)
    expect(stage.workload.cancelled).toEqual([attempt])
    expect(stage.market.failures()).toMatchObject([
      { attempt, problem: { code: 'program_timeout', facts: { timeoutMs: 1000 } } },
    ])
  })
})

describe('blobs', () => {
  test('what is missing is asked for once, and the attempts run when it is here', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 2)
    const inputs = [input('x', bytes('input'))]
    const attempts = [0, 1].map((index) => stage.market.start(lease, index, 1, { inputs }))
    await stage.world.settle()
    expect(stage.market.messages.filter(({ type }) => type === 'want')).toEqual([
      { type: 'want', cid: cidOf(bytes('input')) },
    ])
    expect(stage.workload.begun).toEqual([])
    await stage.market.put(bytes('input'))
    await stage.world.settle()
    expect(stage.workload.begun).toEqual(attempts)
    const task = stage.workload.runs.get(attempts[0] as AttemptId)?.task
    expect(await task?.readBlob(cidOf(bytes('input')), AbortSignal.timeout(1000))).toEqual(bytes('input'))
  })

  test('what comes inline is not asked for', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = attemptId(lease.record.job as JobId, 0, 1)
    const batch = batchOf(lease.record, [{ index: 0, fence: 1, inputs: [input('x', bytes('i'))] }])
    stage.market.send({ type: 'start', batches: [batch], blobs: [bytes('i')] })
    await stage.world.settle()
    expect(stage.workload.begun).toEqual([attempt])
    expect(stage.market.messages.some(({ type }) => type === 'want')).toBe(false)
  })

  test('one waiting for its blob does not hold up those behind it', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    stage.market.start(lease, 0, 1, { inputs: [input('x', bytes('late'))] })
    const next = stage.market.start(lease, 1)
    await stage.world.settle()
    expect(stage.workload.begun).toEqual([next])
  })

  test('one the market lacks fails the attempt with the market’s problem', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0, 1, { inputs: [input('x', bytes('gone'))] })
    await stage.world.settle()
    const problem = toProblem(new MusterError({ code: 'blob_missing', message: 'collected' }))
    stage.market.send({ type: 'blob-missing', cid: cidOf(bytes('gone')), problem })
    await stage.world.pass(5)
    expect(stage.market.failures()).toEqual([{ attempt, problem }])
  })

  test('one that does not come fails the attempt, counting linked time only', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    stage.market.start(lease, 0, 1, { inputs: [input('x', bytes('slow'))] })
    await stage.world.pass(50_000)
    stage.market.refuse(true)
    stage.market.cut()
    await stage.world.pass(200_000)
    stage.market.refuse(false)
    await stage.world.pass(40_000)
    expect(stage.market.failures()).toEqual([])
    expect(stage.market.messages.filter(({ type }) => type === 'want').length).toBeGreaterThan(1)
    await stage.world.pass(61_000)
    expect(stage.market.failures()).toContainEqual(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'timeout' }) }),
    )
  })

  test('one that arrives damaged is not taken, and may come again', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0, 1, { inputs: [input('x', bytes('good'))] })
    await stage.world.settle()
    const bad = async function* () {
      yield bytes('evil')
    }
    await expect(stage.market.handlers().onPutBlob(cidOf(bytes('good')), bad())).rejects.toMatchObject({
      code: 'blob_corrupt',
    })
    expect(stage.workload.begun).toEqual([])
    await stage.market.put(bytes('good'))
    await stage.world.settle()
    expect(stage.workload.begun).toEqual([attempt])
  })

  test('one that nobody asked for is refused before it is read', async () => {
    const stage = await setStage()
    let isRead = false
    const unasked = async function* () {
      isRead = true
      yield bytes('unasked')
    }
    await expect(stage.market.handlers().onPutBlob(cidOf(bytes('unasked')), unasked())).rejects.toMatchObject({
      code: 'cancelled',
    })
    expect(isRead).toBe(false)
  })

  test('one that does not fit the cache fails the attempt with disk_full or blob_too_large', async () => {
    const stage = await setStage({ cacheBytes: 100 })
    const lease = await leaseSlots(stage)
    const large = new Uint8Array(101)
    stage.market.start(lease, 0, 1, { inputs: [input('x', large)] })
    await stage.world.settle()
    await stage.market.put(large).catch(() => {})
    await stage.world.pass(5)
    expect(stage.market.failures()).toMatchObject([{ problem: { code: 'blob_too_large' } }])
  })

  test('outputs are given to their market until they are settled, and nothing else is', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const large = new Uint8Array(40_000).fill(5)
    const attempt = stage.market.start(lease, 0, 1, { inputs: [input('x', bytes('in'))] })
    await stage.world.settle()
    await stage.market.put(bytes('in'))
    await stage.world.settle()
    stage.workload.runs.get(attempt)?.finish({ outputs: [{ name: 'y', bytes: large }] })
    await stage.world.pass(5)
    expect(stage.market.messages.findLast(({ type }) => type === 'claims')).toMatchObject({ blobs: [] })
    const read = async (cid: ReturnType<typeof cidOf>) => {
      let length = 0
      for await (const chunk of stage.market.handlers().onGetBlob(cid)) length += chunk.length
      return length
    }
    expect(await read(cidOf(large))).toBe(40_000)
    await expect(read(cidOf(bytes('in')))).rejects.toMatchObject({ code: 'blob_missing' })
    stage.market.send({ type: 'settled', attempts: [attempt] })
    await expect(read(cidOf(large))).rejects.toMatchObject({ code: 'blob_missing' })
  })
})

test('logs are those of the attempt, bounded, and still there after it was settled', async () => {
  const stage = await setStage()
  const lease = await leaseSlots(stage)
  const attempt = stage.market.start(lease, 0)
  await stage.world.settle()
  for (let line = 0; line < 300; line++) stage.workload.runs.get(attempt)?.task.log(`line ${line}`)
  stage.workload.runs.get(attempt)?.finish()
  await stage.world.pass(5)
  stage.market.send({ type: 'settled', attempts: [attempt] })
  const { lines } = await stage.market.handlers().onCall('logs', { attempt })
  expect(lines).toHaveLength(200)
  expect(lines.at(-2)).toBe('line 299')
  const unknown = attemptId(newId(stage.world, 'job'), 0, 1)
  expect(await stage.market.handlers().onCall('logs', { attempt: unknown })).toEqual({ lines: [] })
})

test('holdings are what runs, waits, or ended and is not settled', async () => {
  const stage = await setStage()
  const lease = await leaseSlots(stage)
  const [ended, running, queued] = [0, 1, 2].map((index) => stage.market.start(lease, index)) as [
    AttemptId,
    AttemptId,
    AttemptId,
  ]
  await stage.world.settle()
  stage.workload.runs.get(ended)?.finish()
  await stage.world.pass(5)
  expect(await stage.market.handlers().onCall('holdings', {})).toEqual({
    leases: [lease.record.id],
    attempts: [ended, running, queued],
  })
  stage.market.send({ type: 'settled', attempts: [ended] })
  expect((await stage.market.handlers().onCall('holdings', {})).attempts).toEqual([running, queued])
})
