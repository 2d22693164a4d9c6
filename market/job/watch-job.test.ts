import { timelineEventSchema, type TimelineEvent } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, problemOf, rehearse } from '../rehearsal/rehearse.ts'

const types = (events: readonly TimelineEvent[]): string[] => events.map(({ type }) => type)

const whole = ['submitted', 'lease-opened', 'dispatched', 'claimed', 'accepted', 'finalised', 'lease-closed', 'closed']

const oneTask = async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 50 })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(1, { slots: 1 }))
  return { stage, agent, tenant, id }
}

/** Reads a stream event by event as it comes. */
const reader = (response: Response) => {
  const events: TimelineEvent[] = []
  const body = response.body?.getReader()
  let isDone = false
  let text = ''
  const read = async (): Promise<void> => {
    for (;;) {
      const part = await body?.read()
      if (part === undefined || part.done) break
      text += new TextDecoder().decode(part.value)
      const frames = text.split('\n\n')
      text = frames.pop() ?? ''
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1]
        if (data !== undefined) events.push(timelineEventSchema.parse(JSON.parse(data)))
      }
    }
    isDone = true
  }
  const reading = read()
  return { events, isDone: () => isDone, leave: () => body?.cancel(), reading }
}

describe('the timeline of a job', () => {
  test('that is closed is told from its beginning and then ends', async () => {
    const { stage, tenant, id } = await oneTask()
    await stage.closed(tenant, id)
    const events = await tenant.events(id)
    expect(types(events)).toEqual(whole)
    expect(events.map(({ version }) => version)).toEqual(whole.map((_, index) => index + 1))
    expect(events.at(-1)).toMatchObject({ outcome: 'succeeded', counts: { final: 1 } })
    expect(events[1]?.message).toContain('Leased 1 slot')
  })

  test('goes on after the version a watcher saw last, asked for either way', async () => {
    const { stage, tenant, id } = await oneTask()
    await stage.closed(tenant, id)
    expect(types(await tenant.events(id, '?after=3'))).toEqual(whole.slice(3))
    expect(types(await tenant.events(id, '', { 'last-event-id': '5' }))).toEqual(whole.slice(5))
    expect(types(await tenant.events(id, '?after=2', { 'last-event-id': '6' }))).toEqual(whole.slice(6))
    expect(await tenant.events(id, '?after=100')).toEqual([])
  })

  test('is followed live, each event once and none left out, until the job is closed', async () => {
    const { stage, tenant, id } = await oneTask()
    const watch = reader(await tenant.request('GET', `/v1/jobs/${id}/events`))
    await stage.world.advance(20)
    expect(types(watch.events)).toEqual(whole.slice(0, 3))
    expect(watch.isDone()).toBe(false)
    await stage.world.advance(200)
    expect(types(watch.events)).toEqual(whole)
    expect(watch.isDone()).toBe(true)
  })

  test('is let go of when its watcher leaves', async () => {
    const { stage, tenant, id } = await oneTask()
    await stage.world.settle()
    const before = stage.world.pending()
    const watch = reader(await tenant.request('GET', `/v1/jobs/${id}/events`))
    await stage.world.settle()
    expect(stage.world.pending()).toBe(before + 1)
    await watch.leave()
    await watch.reading
    await stage.world.settle()
    expect(stage.world.pending()).toBe(before)
    await stage.closed(tenant, id)
    expect(types(watch.events)).toEqual(whole.slice(0, 3))
  })

  test('keeps a silent stream alive', async () => {
    const { stage, agent, tenant, id } = await oneTask()
    agent.taskMs = 600_000
    const body = (await tenant.request('GET', `/v1/jobs/${id}/events?after=3`)).body?.getReader()
    await stage.world.settle()
    await stage.world.advance(0)
    const first = body?.read()
    await stage.world.advance(16_000)
    expect(new TextDecoder().decode((await first)?.value)).toMatch(/^(: still here|id: 4)/)
    await body?.cancel()
  })

  test('ends for a watcher that falls too far behind, which comes back and misses nothing', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 1 })
    agent.script.run = () => ({ outputs: {} })
    const tenant = await stage.tenant()
    const tasks = 600
    const { id } = await tenant.submit(noopSpec(tasks, { slots: 1 }))
    const slow = (await tenant.request('GET', `/v1/jobs/${id}/events`)).body?.getReader()
    const first = await slow?.read()
    await stage.closed(tenant, id)
    let text = new TextDecoder().decode(first?.value)
    for (;;) {
      const part = await slow?.read()
      if (part === undefined || part.done) break
      text += new TextDecoder().decode(part.value)
    }
    const seen = Number([...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1])
    const all = await tenant.events(id)
    expect(all.at(-1)?.type).toBe('closed')
    const rest = await tenant.events(id, '', { 'last-event-id': String(seen) })
    expect(rest.at(0)?.version ?? seen + 1).toBe(seen + 1)
    expect(seen).toBeLessThan(all.length)
    expect(seen + rest.length).toBe(all.length)
  })

  test('of another tenant is not there', async () => {
    const { stage, id } = await oneTask()
    const stranger = await stage.tenant()
    const response = await stranger.request('GET', `/v1/jobs/${id}/events`)
    expect(await problemOf(response)).toMatchObject({ status: 404, code: 'not_found' })
  })
})
