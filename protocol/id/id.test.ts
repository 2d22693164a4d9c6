import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemWorld } from '../world/system-world.ts'
import type { World } from '../world/world.ts'
import { idPrefixes, idSchema, isId, newId, newIds, parseId, type IdNoun } from './id.ts'
import { attemptId, attemptIdSchema, parseAttemptId, taskId } from './task-id.ts'

const nouns = Object.keys(idPrefixes) as IdNoun[]
const worldAt = (now: number, fill: number): World => ({
  ...systemWorld,
  now: () => now,
  random: (count) => new Uint8Array(count).fill(fill),
})

test('new ids are of their noun and of no other', () => {
  for (const noun of nouns) {
    const id = newId(systemWorld, noun)
    expect(nouns.filter((other) => isId(other, id))).toEqual([noun])
    expect(parseId(noun, id)).toBe(id)
    expect(idSchema(noun).parse(id)).toBe(id)
  }
})

test('ids are their time and their chance, and sort by age', () => {
  expect(newId(worldAt(0, 0), 'job')).toBe('job_00000000000000000000000000')
  expect(newId(worldAt(2 ** 48 - 1, 255), 'job')).toBe('job_7ZZZZZZZZZZZZZZZZZZZZZZZZZ')
  expect(newId(worldAt(1_469_918_176_385, 7), 'lease')).toBe('lse_01ARYZ6S417777777777777777')
  const time = fc.nat({ max: 2 ** 48 - 1 })
  fc.assert(
    fc.property(time, time, (a, b) => {
      const [first, second] = [newId(worldAt(a, 0), 'job'), newId(worldAt(b, 0), 'job')]
      expect(first < second).toBe(a < b)
    }),
  )
})

test('ids made in one millisecond differ', () => {
  const still: World = { ...systemWorld, now: () => 1 }
  expect(new Set(Array.from({ length: 1000 }, () => newId(still, 'offer'))).size).toBe(1000)
})

test('ids made together follow each other, also where chance left no room above', () => {
  const last = (text: string): number =>
    [...text.slice(-6)].reduce((sum, digit) => sum * 32 + crockford.indexOf(digit), 0)
  const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  fc.assert(
    fc.property(fc.nat({ max: 255 }), fc.integer({ min: 1, max: 300 }), (fill, count) => {
      const world = worldAt(1_469_918_176_385, fill)
      const ids = newIds(world, 'receipt', count)
      expect(ids).toHaveLength(count)
      expect(ids.every((id) => isId('receipt', id))).toBe(true)
      const [first = ''] = ids
      expect(first.slice(0, -6)).toBe(newId(world, 'receipt').slice(0, -6))
      for (const [at, id] of ids.entries()) {
        expect(id.slice(0, -6)).toBe(first.slice(0, -6))
        expect(last(id)).toBe(last(first) + at)
        expect(at === 0 || (ids[at - 1] ?? '') < id).toBe(true)
      }
    }),
  )
  expect(newIds(systemWorld, 'receipt', 0)).toEqual([])
})

test.each([
  '',
  'job',
  'job_',
  'tnt_01K5KRN0M0ABCDEFGHJKMNPQRT',
  'job_01K5KRN0M0ABCDEFGHJKMNPQR',
  'job_01K5KRN0M0ABCDEFGHJKMNPQRTT',
  'job_81K5KRN0M0ABCDEFGHJKMNPQRT',
  'job_01k5krn0m0abcdefghjkmnpqrt',
  'job_01K5KRN0M0ABCDEFGHIKMNPQRT',
  'job_01K5KRN0M0ABCDEFGHJKMNPQRT\n',
])('%j is the id of no job', (text) => {
  expect(isId('job', text)).toBe(false)
  expect(() => parseId('job', text)).toThrow(expect.objectContaining({ code: 'request_invalid' }))
})

describe('the id of an attempt', () => {
  const job = newId(systemWorld, 'job')

  test('holds job, index and fence', () => {
    fc.assert(
      fc.property(fc.nat({ max: 9_999_999 }), fc.integer({ min: 1, max: 9_999_999 }), (index, fence) => {
        const id = attemptId(job, index, fence)
        expect(parseAttemptId(id)).toEqual({ job, index, fence })
        expect(attemptIdSchema.parse(id)).toBe(id)
        expect(id.startsWith(`${taskId(job, index)}.`)).toBe(true)
      }),
    )
  })

  test.each([
    '',
    job,
    `${job}.1`,
    `${job}.1.0`,
    `${job}.01.1`,
    `${job}.1.01`,
    `${job}.-1.1`,
    `${job}.1.1.1`,
    `${job}.1e1.1`,
    `${job}.1.1 `,
  ])('is not %s', (text) => {
    expect(parseAttemptId(text)).toBeUndefined()
    expect(attemptIdSchema.safeParse(text).success).toBe(false)
  })
})
