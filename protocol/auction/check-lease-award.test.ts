import { expect, test } from 'vitest'
import { digestOf } from '../digest/digest.ts'
import type { Lease } from '../lease/lease.ts'
import { exampleTranscript } from '../vector/example-auction.ts'
import { exampleLease } from '../vector/example-records.ts'
import { checkLeaseAward } from './check-lease-award.ts'

const [winner] = exampleTranscript.award.winners
if (winner === undefined) throw new Error('a winner')
const { slots, price, reservation } = winner
const auction = { id: exampleTranscript.auction, transcript: digestOf(exampleTranscript) }
const won: Lease = { ...exampleLease, slots, price, reservation, auction }

test('a lease of what was won passes', () => {
  expect(checkLeaseAward(exampleTranscript, won)).toMatchObject({ holds: true, found: '1 at $0.00000014 per operator' })
})

test.each<[string, Partial<Lease>, string]>([
  [
    'at a lower price',
    { price: { ...price, nanoUsd: 139n } },
    'the rule gives 1 at $0.00000014 per operator, the lease',
  ],
  ['in another unit', { price: { ...price, per: 'hour' } }, 'per hour'],
  ['of more slots', { slots: slots + 1 }, 'the lease is of 2'],
  ['of a bid that won nothing', { reservation: auction.transcript }, 'the rule gives nothing'],
  ['of another transcript', { auction: { ...auction, transcript: reservation } }, 'the lease names'],
])('a lease %s does not', (_, change, found) => {
  expect(checkLeaseAward(exampleTranscript, { ...won, ...change })).toMatchObject({
    holds: false,
    found: expect.stringContaining(found),
  })
})

test('what the rule gives decides, not what the market made of it', () => {
  const winners = [{ ...winner, price: { ...price, nanoUsd: 130n } }]
  const unfair = { ...exampleTranscript, award: { ...exampleTranscript.award, winners } }
  const named = { ...won, auction: { ...auction, transcript: digestOf(unfair) } }
  expect(checkLeaseAward(unfair, named).holds).toBe(true)
  expect(checkLeaseAward(unfair, { ...named, price: { ...price, nanoUsd: 130n } }).holds).toBe(false)
})

test('a lease that names no auction, or another, is not of it', () => {
  const { auction: _, ...plain } = won
  expect(checkLeaseAward(exampleTranscript, plain)).toMatchObject({
    holds: false,
    found: expect.stringContaining('not of'),
  })
})
