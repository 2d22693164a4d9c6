import {
  createVerifier,
  checkLeaseAward,
  digestOf,
  loadSecp256k1,
  newId,
  signRecord,
  type Lease,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { asked, marketSigner, runAuction, setUp, windowMs, type Set } from './stage-auction.ts'

const verifier = createVerifier(await loadSecp256k1())

/** The agent bid two slots at 1,000 and won both at the 5,000 of its rival. */
const win = async (set: Set) => {
  const { transcript, reveal } = await runAuction(set, undefined, 5_000n)
  const auction = { id: set.auction, transcript: digestOf(transcript.record) }
  const lease = (change: Partial<Lease> = {}) =>
    set.market.lease(reveal.reservation, { price: { nanoUsd: 5_000n, per: 'task' }, auction, ...change })
  const show = async () => {
    set.market.send({ type: 'transcript', auction: set.auction, transcript })
    await set.world.settle()
  }
  return { transcript, auction, lease, show, reservation: reveal.reservation }
}

const wrongs: readonly (readonly [string, Partial<Lease>])[] = [
  ['at another price than was won', { price: { nanoUsd: 4_999n, per: 'task' } }],
  ['of fewer slots than were won', { slots: 1 }],
]

describe('a lease of a sealed auction whose transcript was read', () => {
  test.each(wrongs)('%s is refused, and shown to be wrong', async (_, change) => {
    const set = await setUp()
    const { transcript, lease, show } = await win(set)
    await show()
    const wrong = lease(change)
    await expect(set.market.open(wrong)).rejects.toMatchObject({ code: 'record_invalid' })
    expect(set.agent().status().leases).toEqual([])
    expect(set.proofs).toMatchObject([{ breach: 'other-lease', lease: wrong, transcript, commitment: null }])
    const [proof] = set.proofs
    if (!proof?.transcript || !proof.lease) throw new Error('a proof')
    expect(verifier.signerOf(set.domain, proof.lease)).toBe(set.market.address)
    expect(checkLeaseAward(proof.transcript.record, proof.lease.record).holds).toBe(false)
  })

  test('that names another transcript is refused; the one that was won is taken', async () => {
    const set = await setUp()
    const { lease, show } = await win(set)
    await show()
    const other = lease({ auction: { id: set.auction, transcript: digestOf('another') } })
    await expect(set.market.open(other)).rejects.toMatchObject({ code: 'record_invalid' })
    await set.market.open(lease())
    expect(set.agent().status().leases).toHaveLength(1)
    expect(set.proofs).toHaveLength(1)
    expect(asked(set)).toBe(1)
  })
})

test('of the transcripts that are read a few are kept; the lease of another has it asked for again', async () => {
  const capacity = { cpuMilli: 64_000, memoryBytes: 64 * 2 ** 30, diskBytes: 0, gpus: [] }
  const set = await setUp({ options: { capacity } })
  const { transcript, lease, show } = await win(set)
  await show()
  for (let other = 0; other < 8; other++) {
    const auction = newId(set.world, 'auction')
    await set.solicit({ auction, slots: 1 })
    set.market.send({ type: 'auction-over', auction, hasWon: true, bids: 1, transcript: digestOf('other') })
    const record = { ...transcript.record, auction }
    set.market.send({ type: 'transcript', auction, transcript: signRecord(marketSigner, set.domain, record) })
    await set.world.settle()
  }
  const before = asked(set)
  const wrong = lease({ slots: 1 })
  await set.market.open(wrong)
  expect(asked(set)).toBe(before + 1)
  await show()
  expect(set.proofs.filter(({ breach }) => breach === 'other-lease')).toMatchObject([{ lease: wrong }])
})

test('of auctions that were lost no transcript is kept: no lease is to come of them', async () => {
  const set = await setUp({
    options: { capacity: { cpuMilli: 64_000, memoryBytes: 64 * 2 ** 30, diskBytes: 0, gpus: [] } },
  })
  const { transcript, lease, show } = await win(set)
  await show()
  for (let other = 0; other < 8; other++) {
    const auction = newId(set.world, 'auction')
    await set.solicit({ auction, slots: 1 })
    set.market.send({ type: 'auction-over', auction, hasWon: false, bids: 1, transcript: digestOf('other') })
    const record = { ...transcript.record, auction }
    set.market.send({ type: 'transcript', auction, transcript: signRecord(marketSigner, set.domain, record) })
    await set.world.settle()
  }
  const before = asked(set)
  expect(before).toBe(9)
  await expect(set.market.open(lease({ slots: 1 }))).rejects.toMatchObject({ code: 'record_invalid' })
  expect(asked(set)).toBe(before)
})

describe('a lease of a sealed auction that comes before the transcript', () => {
  test.each(wrongs)('%s is shown to be wrong as soon as that comes', async (_, change) => {
    const set = await setUp()
    const { lease, show } = await win(set)
    const wrong = lease(change)
    await set.market.open(wrong)
    expect(set.proofs).toEqual([])
    await set.market.close(wrong)
    await show()
    expect(set.proofs).toMatchObject([{ breach: 'other-lease', lease: wrong }])
    expect(set.proofs[0]?.commitment).not.toBeNull()
  })

  test('and is as it was won leaves no proof, though it was amended meanwhile', async () => {
    const set = await setUp()
    const { lease, show } = await win(set)
    const right = lease()
    await set.market.open(right)
    const { id, paidUntil } = right.record
    await set.market.handlers().onCall('amend-lease', { lease: id, number: 1, slots: 1, until: paidUntil })
    await show()
    expect(set.proofs).toEqual([])
    expect(set.agent().status().leases).toEqual([id])
  })
})

test('a lease that says nothing of the auction, or names another, is refused: its price would be nobody’s to check', async () => {
  const set = await setUp()
  const { auction, lease, reservation } = await win(set)
  const plain = set.market.lease(reservation)
  await expect(set.market.open(plain)).rejects.toMatchObject({ code: 'record_invalid', facts: { field: 'auction' } })
  const other = lease({ auction: { ...auction, id: newId(set.world, 'auction') } })
  await expect(set.market.open(other)).rejects.toMatchObject({ code: 'record_invalid', facts: { field: 'auction' } })
  await set.market.open(lease())
})

describe('after a restart', () => {
  test('a bid that was won is still tied to its auction, and its lease is looked at', async () => {
    const set = await setUp()
    const { auction, lease, show } = await win(set)
    await set.restart()
    await set.world.settle()
    const before = asked(set)
    const other = lease({ auction: { ...auction, id: newId(set.world, 'auction') } })
    await expect(set.market.open(other)).rejects.toMatchObject({ facts: { field: 'auction' } })
    const wrong = lease({ price: { nanoUsd: 4_999n, per: 'task' } })
    await set.market.open(wrong)
    expect(asked(set)).toBe(before + 1)
    await show()
    expect(set.proofs).toMatchObject([{ breach: 'other-lease', lease: wrong, commitment: null }])
  })

  test('a lease whose transcript was still to come is looked at all the same', async () => {
    const set = await setUp()
    const { lease, show } = await win(set)
    const wrong = lease({ slots: 1 })
    await set.market.open(wrong)
    await set.restart()
    await set.world.settle()
    await show()
    expect(set.proofs).toMatchObject([{ breach: 'other-lease', lease: wrong }])
  })
})

test('a transcript that a broken link kept is asked for over the next one', async () => {
  const set = await setUp()
  const { lease, show } = await win(set)
  await set.market.open(lease({ slots: 1 }))
  expect(asked(set)).toBe(1)
  set.market.cut()
  await set.world.pass(10_000)
  expect(set.market.isLinked()).toBe(true)
  expect(asked(set)).toBe(2)
  await show()
  expect(set.proofs).toMatchObject([{ breach: 'other-lease' }])
})

test('whoever has won an auction of many bids looks at it, as far as its order has few slots', async () => {
  const set = await setUp()
  const commitment = await set.solicit()
  await set.world.pass(windowMs)
  await set.market.handlers().onCall('reveal', set.closingOf([commitment], { count: 2_048 }))
  set.market.send({ type: 'auction-over', auction: set.auction, hasWon: true, bids: 2_048, transcript: digestOf('x') })
  await set.world.settle()
  expect(asked(set)).toBe(1)
})
