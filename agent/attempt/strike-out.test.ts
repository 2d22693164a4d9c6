import { cidOf, type AttemptId } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { openMemoryBlobCache } from '../blob/memory/open-blob-cache.ts'
import type { Journal } from '../journal/journal.ts'
import { heldRecords } from '../stage/held-records.ts'
import { leaseSlots } from '../stage/lease-slots.ts'
import { setStage } from '../stage/stage-agent.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('attempts taken on together', () => {
  const tasks = [0, 1, 2, 3].map((index) => ({ index, fence: 1 }))
  const kinds = async (journal: Journal) => (await heldRecords(journal)).map(({ kind }) => kind).toSorted()

  test('are one record of the journal, and how they ended is another', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 4)
    const attempts = stage.market.startBatch(lease, tasks)
    await stage.world.settle()
    expect(await kinds(stage.journal)).toEqual(['reservation', 'starts'])
    for (const attempt of attempts) stage.workload.runs.get(attempt)?.finish()
    await stage.world.pass(5)
    expect(await kinds(stage.journal)).toEqual(['outcomes', 'reservation', 'starts'])
    stage.market.send({ type: 'settled', attempts })
    await stage.world.pass(10_000)
    expect(await kinds(stage.journal)).toEqual(['fences', 'reservation'])
  })

  test('settled in part, killed and restarted: none that was settled runs again, and no other is forgotten', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 4)
    const [settled, ended, running, next] = stage.market.startBatch(lease, tasks) as [
      AttemptId,
      AttemptId,
      AttemptId,
      AttemptId,
    ]
    await stage.world.settle()
    for (const attempt of [settled, ended]) {
      stage.workload.runs.get(attempt)?.finish({ outputs: [{ name: 'y', bytes: bytes(attempt) }] })
      await stage.world.pass(5)
    }
    const before = stage.market.claims()
    stage.market.send({ type: 'settled', attempts: [settled] })
    await stage.world.pass(10_000)
    await stage.restart()
    await stage.world.pass(500)
    expect(stage.workload.begun).toEqual([settled, ended, running, next, running, next])
    expect(stage.market.claims().slice(-2)).toEqual(before)
    stage.market.send({ type: 'settled', attempts: [settled, ended] })
    stage.market.start(lease, 0)
    await stage.world.settle()
    expect(stage.agent().status().attempts).toEqual([running, next].map((id) => ({ id, phase: 'running' })))
    expect(stage.workload.begun).toHaveLength(6)
  })

  test('one of them cancelled does not run after a restart', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 4)
    const [cancelled, ...others] = stage.market.startBatch(lease, tasks) as [AttemptId, ...AttemptId[]]
    await stage.world.settle()
    stage.market.send({ type: 'cancel', attempts: [cancelled] })
    await stage.world.settle()
    await stage.restart()
    await stage.world.settle()
    expect(stage.workload.begun).toEqual([cancelled, ...others, ...others])
  })

  test('whose outputs were lost are reported as failed after a restart, and do not run again', async () => {
    const blobs = openMemoryBlobCache({ maxBytes: 100 })
    const stage = await setStage({ modules: { blobs } })
    const lease = await leaseSlots(stage, 4)
    const attempts = stage.market.startBatch(lease, tasks)
    await stage.world.settle()
    for (const attempt of attempts)
      stage.workload.runs.get(attempt)?.finish({ outputs: [{ name: 'y', bytes: bytes(attempt.slice(-3)) }] })
    await stage.world.pass(5)
    const [lost, ...kept] = stage.market.claims()
    const cid = lost?.record.outputs[0]?.cid ?? cidOf(bytes(''))
    blobs.unpin(cid)
    await blobs.put(cidOf(new Uint8Array(91)), new Uint8Array(91))
    const sent = stage.market.messages.length
    await stage.restart()
    await stage.world.pass(500)
    expect(stage.workload.begun).toEqual(attempts)
    expect(stage.market.failures()).toMatchObject([
      { attempt: lost?.record.attempt, problem: { code: 'blob_missing' } },
    ])
    const again = stage.market.messages
      .slice(sent)
      .flatMap((message) => (message.type === 'claims' ? message.batches : []))
    expect(again.map(({ claims }) => claims)).toEqual([kept.map(({ record }) => record)])
  })

  test('that do not all fit are taken as far as they do', async () => {
    const stage = await setStage({ options: { maxQueuedPerLease: 2 } })
    const lease = await leaseSlots(stage, 1)
    const attempts = stage.market.startBatch(lease, tasks)
    await stage.world.settle()
    expect(stage.market.failures().map(({ attempt }) => attempt)).toEqual(attempts.slice(2))
    expect(await heldRecords(stage.journal)).toMatchObject([
      { kind: 'reservation' },
      { kind: 'starts', batch: { tasks: { length: 2 } } },
    ])
  })
})
