import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isProven, newMarketRecord, reservableSlots, stepMarketRecord, type MarketEvent } from './market-record.ts'

const play = (events: readonly MarketEvent[], now = 1_000) =>
  events.reduce((record, event) => stepMarketRecord(record, event, now), newMarketRecord)

const times = (count: number, event: MarketEvent): MarketEvent[] => Array<MarketEvent>(count).fill(event)

describe('a market', () => {
  test('is rested after three reservations in vain in a row, for twice as long each time, ten minutes at most', () => {
    const rests: number[] = []
    let record = newMarketRecord
    for (let round = 0; round < 9; round++) {
      record = times(3, 'lapsed').reduce((before, event) => stepMarketRecord(before, event, 0), record)
      rests.push(record.restsUntil)
    }
    expect(rests).toEqual([10, 20, 40, 80, 160, 320, 600, 600, 600].map((seconds) => seconds * 1000))
    expect(play([...times(2, 'lapsed'), 'leased', ...times(2, 'lapsed')]).restsUntil).toBe(0)
  })

  test('starts over with rests once it has opened a lease', () => {
    const record = play([...times(6, 'lapsed'), 'leased', ...times(3, 'lapsed')])
    expect(record.restsUntil).toBe(11_000)
  })

  test('that gives back at once is not held to have reserved in vain', () => {
    const record = play(times(500, 'released'))
    expect(record).toMatchObject({ released: 500, vain: 0, restsUntil: 0 })
    expect(isProven(record)).toBe(false)
  })

  test('proves itself by leases, and loses that by as many in vain', () => {
    expect(isProven(newMarketRecord)).toBe(false)
    expect(isProven(play(['leased']))).toBe(true)
    expect(isProven(play([...times(40, 'leased'), ...times(3, 'lapsed')]))).toBe(false)
    expect(isProven(play(['leased', 'leased', 'lapsed']))).toBe(true)
    expect(isProven(play(['leased', 'lapsed', 'lapsed']))).toBe(false)
  })
})

describe('the slots that a market may hold reserved', () => {
  const unproven = newMarketRecord
  test.each([
    [8, 1, null, 8],
    [8, 2, null, 4],
    [8, 3, null, 3],
    [2, 3, null, 1],
    [0, 3, null, 0],
    [8, 3, 1, 8],
    [8, 3, 0.01, 1],
  ])('of %i, with %i markets and a share of %s, are %i', (total, markets, share, expected) => {
    expect(reservableSlots(total, markets, unproven, share)).toBe(expected)
  })

  test('are all there are for one that is proven', () => {
    expect(reservableSlots(8, 3, play(['leased']), null)).toBe(8)
  })
})

test('whatever happens, counts are whole, weights stay small, and what was counted is all that happened', () => {
  const event = fc.constantFrom<MarketEvent>('leased', 'released', 'lapsed', 'turned-away')
  fc.assert(
    fc.property(fc.array(event, { maxLength: 400 }), (events) => {
      const { leased, released, lapsed, turnedAway, kept, vain } = play(events)
      expect(leased + released + lapsed + turnedAway).toBe(events.length)
      for (const weight of [kept, vain]) {
        expect(Number.isSafeInteger(weight)).toBe(true)
        expect(weight).toBeLessThanOrEqual(50_000)
      }
    }),
  )
})
