import { digestOf, replayJob, snapshotJob, type JobEvent } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { at, dispatched, leaseOpened, someEvent, someId, submitted } from '../test-records.ts'
import { append, refusal, codes, type OpenStore } from './expectations.ts'

export const describeStreams = (under: OpenStore): void => {
  describe('streams', () => {
    test('a stream nobody wrote to is not there', async () => {
      expect(await under.store.readStream(someId('job'))).toBeUndefined()
      expect(await under.store.readEvents(someId('job'), { from: 0, limit: 10 })).toEqual([])
    })

    test('events come back as they went in, with their places', async () => {
      const [job, tenant, lease] = [someId('job'), someId('tenant'), someId('lease')]
      const events: JobEvent[] = [submitted(job, tenant), leaseOpened(job, tenant, lease), dispatched(lease, 0)]
      await under.store.commit({ appends: [append(job, 0, ...events.slice(0, 2))] })
      await under.store.commit({ appends: [append(job, 2, ...events.slice(2))] })
      const read = await under.store.readStream(job)
      expect(read?.version).toBe(3)
      expect(read?.snapshot).toBeNull()
      expect(read?.events).toEqual(events.map((event, version) => ({ version, event })))
    })

    test('amounts in events are bigints again', async () => {
      const job = someId('job')
      const receipt = someId('receipt')
      const events: JobEvent[] = [
        { type: 'accepted', at, attempts: [{ index: 0, fence: 1, receipt, amount: 278n, outputs: [] }] },
        { type: 'closed', at, outcome: 'succeeded', refund: 0n },
      ]
      await under.store.commit({ appends: [append(job, 0, ...events)] })
      expect((await under.store.readStream(job))?.events.map(({ event }) => event)).toEqual(events)
    })

    test('amendments of leases and resizes come back as both sides signed them', async () => {
      const [job, tenant, lease] = [someId('job'), someId('tenant'), someId('lease')]
      const opened = leaseOpened(job, tenant, lease)
      if (opened.type !== 'lease-opened') throw new Error('a lease is opened')
      const { market, provider, price } = opened.lease.record
      const signature = `0x${'7'.repeat(130)}` as const
      const amendment = {
        ...{ kind: 'amendment' as const, market, provider, job, lease: digestOf(opened.lease.record), number: 1 },
        ...{ slots: 1, until: opened.lease.record.paidUntil + 1, price, issuedAt: at },
      }
      const resize = {
        kind: 'resize' as const,
        market,
        tenant,
        order: digestOf('order'),
        number: 1,
        slots: 9,
        issuedAt: at,
      }
      const events: JobEvent[] = [
        opened,
        { type: 'lease-amended', at, lease, amendment: { record: amendment, provider: signature, market: signature } },
        { type: 'resized', at, resize: { record: resize, signature } },
        { type: 'lease-noticed', at, lease, endsAt: at + 5, takesWork: true },
      ]
      await under.store.commit({ appends: [append(job, 0, ...events)] })
      expect((await under.store.readStream(job))?.events.map(({ event }) => event)).toEqual(events)
    })

    test('facts of a problem that are no plain data are kept as text', async () => {
      const job = someId('job')
      const problem = {
        code: 'workload_failed',
        message: 'It failed.',
        facts: { load: 0.5, amount: 7n, path: ['a', 1] },
        fault: 'machine',
        retry: 'now',
      } as const
      await under.store.commit({
        appends: [append(job, 0, { type: 'failed', at, attempts: [{ index: 0, fence: 1, problem }] })],
      })
      const [stored] = await under.store.readEvents(job, { from: 0, limit: 1 })
      expect(stored?.event).toMatchObject({
        attempts: [{ problem: { facts: { load: '0.5', amount: '7', path: ['a', 1] } } }],
      })
    })

    test('a page of the timeline begins and ends inside of appends', async () => {
      const job = someId('job')
      for (let version = 0; version < 12; version += 3) {
        const events = [0, 1, 2].map((index) => ({ ...someEvent(), at: at + version + index }))
        await under.store.commit({ appends: [append(job, version, ...events)] })
      }
      const page = await under.store.readEvents(job, { from: 4, limit: 5 })
      expect(page.map(({ version, event }) => [version, event.at - at])).toEqual(
        [4, 5, 6, 7, 8].map((version) => [version, version]),
      )
      expect(await under.store.readEvents(job, { from: 12, limit: 5 })).toEqual([])
    })

    test('more events than one read holds come in one page', async () => {
      const job = someId('job')
      const events = Array.from({ length: 600 }, (_, version) => append(job, version, someEvent()))
      await Promise.all(events.map((each) => under.store.commit({ appends: [each] })))
      const page = await under.store.readEvents(job, { from: 10, limit: 580 })
      expect(page.map(({ version }) => version)).toEqual(Array.from({ length: 580 }, (_, index) => index + 10))
      expect((await under.store.readStream(job))?.events).toHaveLength(600)
    })

    test.for([
      ['behind', 0],
      ['inside an append', 1],
      ['ahead', 3],
    ] as const)('a writer that is %s is refused', async ([, version]) => {
      const job = someId('job')
      await under.store.commit({ appends: [append(job, 0, someEvent(), someEvent())] })
      const error = await refusal(under.store.commit({ appends: [append(job, version, someEvent())] }))
      expect(error.code).toBe('stale_writer')
      expect(error.facts).toEqual({ stream: job, expected: version, found: 2 })
      expect((await under.store.readStream(job))?.version).toBe(2)
    })

    test('a writer that starts in the middle of nothing is refused', async () => {
      const job = someId('job')
      expect(await codes([under.store.commit({ appends: [append(job, 1, someEvent())] })])).toEqual(['stale_writer'])
      expect(await under.store.readStream(job)).toBeUndefined()
    })

    test('one commit may append twice to a stream, and to many streams', async () => {
      const [first, second] = [someId('job'), someId('job')]
      await under.store.commit({
        appends: [append(first, 0, someEvent()), append(second, 0, someEvent()), append(first, 1, someEvent())],
      })
      expect((await under.store.readStream(first))?.version).toBe(2)
      expect((await under.store.readStream(second))?.version).toBe(1)
    })

    test('an append without events is nothing', async () => {
      const job = someId('job')
      await under.store.commit({ appends: [append(job, 0)] })
      expect(await under.store.readStream(job)).toBeUndefined()
    })

    test('of many writers with the same expectation one wins', async () => {
      const job = someId('job')
      const results = await codes(
        Array.from({ length: 20 }, () => under.store.commit({ appends: [append(job, 0, someEvent())] })),
      )
      expect(results.filter((result) => result === 'ok')).toHaveLength(1)
      expect(results.filter((result) => result === 'stale_writer')).toHaveLength(19)
      expect((await under.store.readStream(job))?.version).toBe(1)
    })

    test('commits that are not waited for follow one another', async () => {
      const job = someId('job')
      const results = await codes(
        Array.from({ length: 50 }, (_, version) =>
          under.store.commit({ appends: [append(job, version, someEvent())] }),
        ),
      )
      expect(new Set(results)).toEqual(new Set(['ok']))
      expect((await under.store.readStream(job))?.version).toBe(50)
    })

    test('a snapshot stands for the events before it, also inside an append', async () => {
      const [job, tenant, lease] = [someId('job'), someId('tenant'), someId('lease')]
      const events: JobEvent[] = [
        submitted(job, tenant),
        leaseOpened(job, tenant, lease),
        dispatched(lease, 0),
        dispatched(lease, 1),
      ]
      await under.store.commit({ appends: [append(job, 0, ...events)] })
      const half = replayJob(events.slice(0, 3))
      const whole = replayJob(events)
      if (half === undefined || whole === undefined) throw new Error('no job')
      await under.store.writeSnapshot({ stream: job, version: 3, job: half, at })
      const read = await under.store.readStream(job)
      expect(read?.snapshot?.version).toBe(3)
      expect(read?.version).toBe(4)
      expect(read?.events).toEqual([{ version: 3, event: events[3] }])
      const replayed = replayJob(read?.events.map(({ event }) => event) ?? [], read?.snapshot?.job)
      expect(replayed).toEqual(whole)
      expect(await under.store.readEvents(job, { from: 0, limit: 10 })).toHaveLength(4)
    })

    test('an older snapshot does not replace a newer one', async () => {
      const [job, tenant] = [someId('job'), someId('tenant')]
      const events = [submitted(job, tenant), someEvent()]
      await under.store.commit({ appends: [append(job, 0, ...events)] })
      const state = replayJob(events.slice(0, 1))
      if (state === undefined) throw new Error('no job')
      await under.store.writeSnapshot({ stream: job, version: 2, job: { ...state, cancelRequested: true }, at })
      await under.store.writeSnapshot({ stream: job, version: 1, job: state, at })
      const read = await under.store.readStream(job)
      expect(read?.snapshot?.version).toBe(2)
      expect(read?.events).toEqual([])
      expect(read?.version).toBe(2)
      expect(snapshotJob(read?.snapshot?.job ?? state).cancelRequested).toBe(true)
    })
  })
}
