import { expect, test } from 'vitest'
import { minuteOf } from './local-time.ts'
import { weekdays, type TimeRule, type Weekday } from './price-policy.ts'
import { fromMillionths } from './ratio.ts'
import { sayRule, timeRuleAt } from './time-rule.ts'

const rule = (from: string, to: string, days: readonly Weekday[] = weekdays): TimeRule => ({
  days: new Set(days),
  fromMinute: minuteOf(from),
  toMinute: minuteOf(to),
  factor: fromMillionths(500_000n),
})

const inForce = (times: readonly TimeRule[], timeZone: string, ...instants: string[]): number[] =>
  instants.map((text) => {
    const found = timeRuleAt({ times, timeZone }, Date.parse(text))
    return found === undefined ? -1 : times.indexOf(found)
  })

test('a range holds from its first minute up to its last, by the clock of its zone', () => {
  expect(
    inForce(
      [rule('09:00', '17:00')],
      'America/New_York',
      '2026-07-01T12:59:59.999Z',
      '2026-07-01T13:00:00Z',
      '2026-07-01T20:59:59Z',
      '2026-07-01T21:00:00Z',
    ),
  ).toEqual([-1, 0, 0, -1])
})

test('a range over midnight belongs to the day it begins on', () => {
  const friday = [rule('22:00', '06:00', ['fri'])]
  expect(
    inForce(
      friday,
      'UTC',
      '2026-11-20T05:00:00Z', // Friday morning: Thursday's night
      '2026-11-20T22:00:00Z',
      '2026-11-21T05:59:00Z',
      '2026-11-21T06:00:00Z',
      '2026-11-21T22:00:00Z',
    ),
  ).toEqual([-1, 0, 0, -1, -1])
  expect(inForce([rule('22:00', '06:00', ['sun'])], 'UTC', '2026-11-23T01:00:00Z')).toEqual([0])
})

test('the first rule in force counts, and 24:00 is the end of the day', () => {
  const times = [rule('00:00', '24:00', ['sat']), rule('20:00', '24:00')]
  expect(inForce(times, 'UTC', '2026-11-21T20:00:00Z', '2026-11-22T23:59:00Z', '2026-11-23T00:00:00Z')).toEqual([
    0, 1, -1,
  ])
})

test('an hour that a clock change repeats counts twice, and one it leaves out not at all', () => {
  const two = [rule('02:00', '03:00')]
  const atHalfPast = (day: string) => [0, 1, 2].map((hour) => `${day}T0${hour}:30:00Z`)
  // Berlin, 2026-10-25: 02:30 is on the clock at 00:30 and at 01:30 UTC.
  expect(inForce(two, 'Europe/Berlin', ...atHalfPast('2026-10-25'))).toEqual([0, 0, -1])
  // Berlin, 2026-03-29: the clock goes from 01:59 to 03:00 at 01:00 UTC.
  expect(inForce(two, 'Europe/Berlin', ...atHalfPast('2026-03-29'))).toEqual([-1, -1, -1])
  expect(inForce(two, 'Europe/Berlin', ...atHalfPast('2026-03-30'))).toEqual([0, -1, -1])
})

test('a zone half an hour off is off by half an hour', () => {
  expect(inForce([rule('12:00', '12:30')], 'Asia/Kolkata', '2026-01-01T06:29:00Z', '2026-01-01T06:30:00Z')).toEqual([
    -1, 0,
  ])
})

test('a rule is said in words', () => {
  expect(sayRule(rule('22:00', '06:00'))).toBe('22:00 to 06:00')
  expect(sayRule(rule('00:00', '24:00', ['sat', 'sun']))).toBe('sat, sun 00:00 to 24:00')
})
