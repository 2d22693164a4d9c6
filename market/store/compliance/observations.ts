import { observationSchema, type Observation } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { address, at, someId, someJobRow } from '../test-records.ts'
import type { OpenStore } from './expectations.ts'

const seenAt = (id: string, provider: string, when: number): Observation =>
  observationSchema.parse({
    id,
    provider: address(provider),
    at: when,
    program: 'a "quoted" \\ program, {with} ü',
    honoured: 1,
    refused: 0,
    exposureMs: 1_000,
    outages: 0,
    succeeded: 3,
    failed: 0,
    matched: 0,
    mismatched: 0,
    durationMs: 0.125,
    startMs: null,
    durationFactor: 1.5,
    startFactor: null,
  })

export const describeObservations = (under: OpenStore): void => {
  describe('observations', () => {
    const [first, second, third] = [seenAt('a', '1', at), seenAt('b', '1', at + 1), seenAt('c', '1', at + 1)]
    const other = seenAt('d', '2', at - 5)

    test('are added once by their id, and come back as they were, newest first', async () => {
      const { observations } = under.store
      expect(await observations.add([])).toEqual(new Set())
      expect(await observations.add([first, third])).toEqual(new Set(['a', 'c']))
      expect(await observations.add([third, { ...first, succeeded: 9 }, second, other])).toEqual(new Set(['b', 'd']))
      expect(await observations.newestOf([address('1'), address('2'), address('3')], 10)).toEqual(
        new Map([
          [address('1'), [third, second, first]],
          [address('2'), [other]],
        ]),
      )
      expect(await observations.newestOf([address('1')], 2)).toEqual(new Map([[address('1'), [third, second]]]))
      expect(await observations.newestOf([], 2)).toEqual(new Map())
      expect(await observations.newest(3)).toEqual([third, second, first])
    })

    test('are forgotten when they are old', async () => {
      const { observations } = under.store
      expect(await observations.prune(at)).toBe(1)
      expect(await observations.prune(at)).toBe(0)
      expect(await observations.newest(9)).toEqual([third, second, first])
      expect(await observations.prune(at + 2)).toBe(3)
    })
  })

  test('closed jobs are found by when they closed, a page at a time', async () => {
    const later = at + 500_000
    const closing = [later, later, later + 3].map((closedAt) => ({ id: someId('job'), closedAt }))
    closing.sort((a, b) => a.closedAt - b.closedAt || (a.id < b.id ? -1 : 1))
    const rows = closing.map(({ id, closedAt }) => ({
      ...someJobRow(id, someId('tenant')),
      phase: 'succeeded' as const,
      closedAt,
    }))
    await under.store.commit({ jobs: [...rows, someJobRow(someId('job'), someId('tenant'))] })
    const { jobs } = under.store
    expect(await jobs.closedSince({ since: later, limit: 9 })).toEqual(closing)
    const page = await jobs.closedSince({ since: later, limit: 2 })
    const [, last] = page
    if (last === undefined) throw new Error('two jobs')
    expect([...page, ...(await jobs.closedSince({ since: later, limit: 2, after: last }))]).toEqual(closing)
    expect(await jobs.closedSince({ since: later + 4, limit: 9 })).toEqual([])
  })
}
