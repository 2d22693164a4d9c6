import { newId, systemWorld, type MusterError, type TimelineEvent } from '@muster/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Muster } from '../client/create-client.ts'
import { createMuster } from '../client/create-muster.ts'
import { fakeApiKey, listOf, noopSpec, startFakeMarket, type FakeMarket } from '../fake/index.ts'

let market: FakeMarket
let muster: Muster
beforeEach(async () => {
  market = await startFakeMarket({ runsAtOnce: false, failing: new Set([5]) })
  muster = createMuster({ url: market.url, apiKey: fakeApiKey, retry: { firstDelayMs: 1, maxDelayMs: 5 } })
})
afterEach(() => market.close())

describe('watchJob', () => {
  test('gives each event once and in order over streams that break, and ends when the job is closed', async () => {
    const { id } = await muster.submitJob(noopSpec())
    market.fail(
      'watchJob',
      { type: 'cut', after: 1 },
      { type: 'drop' },
      { type: 'cut', after: 0 },
      { type: 'cut', after: 3 },
    )
    market.network.run(id, 1)
    const reconnects: MusterError[] = []
    const versions: number[] = []
    for await (const event of muster.watchJob(id, { onReconnect: (error) => reconnects.push(error) })) {
      versions.push(event.version)
      if (event.type === 'finalised' && event.counts.final === 1) market.network.run(id)
    }
    const { timeline } = market.network.require(id)
    expect(versions).toEqual(timeline.map(({ version }) => version))
    expect(reconnects).toHaveLength(4)
    expect(market.seen.map(({ headers }) => headers['last-event-id'])).toEqual([
      undefined,
      undefined,
      '1',
      '1',
      '1',
      '4',
    ])
  })

  test('begins after the event it is told', async () => {
    const { id } = await muster.submitJob(noopSpec())
    market.network.run(id)
    const events = await listOf(muster.watchJob(id, { after: 3 }))
    expect(events.map(({ version }) => version)).toEqual([4, 5, 6, 7, 8])
  })

  test('ends at once after the last event of a closed job', async () => {
    const { id } = await muster.submitJob(noopSpec())
    market.network.run(id)
    expect(await listOf(muster.watchJob(id, { after: 8 }))).toEqual([])
  })

  test('says that there is no such job', async () => {
    await expect(listOf(muster.watchJob(newId(systemWorld, 'job')))).rejects.toMatchObject({ code: 'not_found' })
  })

  test('ends with cancelled when its signal aborts, and the job goes on', async () => {
    const { id } = await muster.submitJob(noopSpec())
    const controller = new AbortController()
    const seen: TimelineEvent[] = []
    const watch = async () => {
      for await (const event of muster.watchJob(id, { signal: controller.signal })) {
        seen.push(event)
        controller.abort()
      }
    }
    await expect(watch()).rejects.toMatchObject({ code: 'cancelled' })
    expect((await muster.getJob(id)).phase).toBe('active')
  })

  test('gives up once its patience has run out', async () => {
    const { id } = await muster.submitJob(noopSpec())
    await market.close()
    await expect(listOf(muster.watchJob(id, { patienceMs: 10 }))).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('waitForJob', () => {
  test('gives the closed job', async () => {
    const { id } = await muster.submitJob(noopSpec())
    market.network.run(id)
    const events: TimelineEvent[] = []
    expect(await muster.waitForJob(id, { onEvent: (event) => events.push(event) })).toMatchObject({
      outcome: 'succeeded',
    })
    expect(events.at(-1)?.type).toBe('closed')
  })
})

describe('runTasks', () => {
  test('gives each task as it is accepted, with who ran it and what it cost', async () => {
    const submitted: string[] = []
    const tasks = []
    const run = muster.runTasks(noopSpec(4), {
      onSubmit: ({ id }) => {
        submitted.push(id)
        market.network.run(id, 3)
      },
    })
    for await (const task of run) {
      tasks.push(task)
      if (tasks.length === 3) for (const id of market.network.jobs.keys()) market.network.run(id)
    }
    expect(submitted).toHaveLength(1)
    expect(tasks.map(({ index }) => index)).toEqual([0, 1, 2, 3])
    const provider = market.network.offers[1]?.record.provider
    expect(tasks[0]).toMatchObject({ fence: 1, provider, amount: 600n, outputs: [{ name: 'out' }] })
  })

  test('gives what there is of a job that fails, then says why it failed', async () => {
    const tasks: number[] = []
    const run = async () => {
      const onSubmit = ({ id }: { id: Parameters<typeof market.network.run>[0] }) => market.network.run(id)
      for await (const { index } of muster.runTasks(noopSpec(7), { onSubmit })) tasks.push(index)
    }
    await expect(run()).rejects.toMatchObject({
      code: 'program_crashed',
      fault: 'program',
      facts: { tasks: [5], failed: 1 },
    })
    expect(tasks).toEqual([0, 1, 2, 3, 4, 6])
  })

  test('cancels a job that is left early, unless told to leave it', async () => {
    for (const whenLeft of ['cancel', 'leave'] as const) {
      const onSubmit = ({ id }: { id: Parameters<typeof market.network.run>[0] }) => market.network.run(id, 1)
      for await (const _ of muster.runTasks(noopSpec(), { whenLeft, onSubmit })) break
    }
    const outcomes = (await muster.listJobs()).map(({ outcome }) => outcome)
    expect(outcomes).toEqual([null, 'cancelled'])
  })
})
