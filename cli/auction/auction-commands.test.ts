import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fakeApiKey, startFakeMarket, type FakeMarket } from '@muster/sdk/fake'
import {
  createSigner,
  digestOf,
  leaseSchema,
  nobleSecp256k1,
  signRecord,
  toJson,
  transcriptBundleSchema,
} from '@muster/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../exit/exit-codes.ts'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'

const vectors = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../docs/spec/vectors/auctions.json'), 'utf8'),
) as { domain: { chainId: number; market: string }; transcript: { record: Record<string, unknown> } }
const bundle = { chainId: vectors.domain.chainId, transcript: vectors.transcript }
const transcript = transcriptBundleSchema.parse(bundle).transcript.record
const { auction, job, award } = transcript
const { records } = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../docs/spec/vectors/records.json'), 'utf8'),
) as { records: { record: { kind: string } }[] }
const leaseVector = leaseSchema.parse(records.find(({ record }) => record.kind === 'lease')?.record)

let market: FakeMarket
let shell: TestShell
beforeEach(async () => {
  market = await startFakeMarket()
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
})
afterEach(async () => {
  await market.close()
  await shell.close()
})

const answer = (name: 'auction' | 'jobAuctions', body: unknown) =>
  market.fail(name, { type: 'answer', status: 200, body: JSON.stringify(body) })

const save = async (name: string, value: unknown): Promise<string> => {
  await writeFile(path.join(shell.directory, name), typeof value === 'string' ? value : JSON.stringify(value))
  return name
}

const altered = (change: Record<string, unknown>) => ({
  ...bundle,
  transcript: { ...vectors.transcript, record: { ...vectors.transcript.record, ...change } },
})

describe('auction verify', () => {
  test('says that the award followed the rule, offline, and exits with 0', async () => {
    const file = await save('auction.json', bundle)
    await market.close()
    const { status, out } = await shell.run(['auction', 'verify', file])
    expect(out).toContain('✓ The award followed the rule: lowest, second-price; 1 of 2 bids won.')
    expect(out).toContain('say --market-address')
    expect(status).toBe(exitCodes.ok)
    const trusted = await shell.run(['auction', 'verify', file, '--market-address', vectors.domain.market])
    expect(trusted.out).toContain('the market is the one expected')
    expect(trusted.status).toBe(exitCodes.ok)
  })

  test('says in words where it did not, and exits with 1', async () => {
    const winners = award.winners.map((winner) => ({ ...winner, price: { nanoUsd: '150', per: winner.price.per } }))
    const file = await save('auction.json', altered({ award: { ...award, winners } }))
    const { status, out } = await shell.run(['auction', 'verify', file])
    expect(out).toContain('✗ The award did not follow the rule: the rule gives 1 to')
    expect(out).toContain('at $0.00000014 per operator, the market 1 to')
    expect(status).toBe(exitCodes.failed)
    const asJson = await shell.run(['auction', 'verify', file, '--json'])
    expect(asJson.json()).toMatchObject({ ok: false, auction })
  })

  test('of another market than the trusted one fails', async () => {
    const file = await save('auction.json', bundle)
    const { status, out } = await shell.run(['auction', 'verify', file, '--market-address', `0x${'9'.repeat(40)}`])
    expect(out).toContain('✗ This transcript cannot be relied on.')
    expect(status).toBe(exitCodes.failed)
  })

  test('takes the proof that an agent kept, and an id', async () => {
    const proof = { ...bundle, auction, breach: 'unfair', message: 'x', commitment: {}, closing: null }
    expect((await shell.run(['auction', 'verify', await save('proof.json', proof)])).status).toBe(exitCodes.ok)
    answer('auction', bundle)
    expect((await shell.run(['auction', 'verify', auction])).out).toContain(auction)
  })

  test('of a proof with a lease holds that against the award too', async () => {
    const [winner] = award.winners
    if (winner === undefined) throw new Error('a winner')
    const { slots, price, reservation } = winner
    const auctionNamed = { id: auction, transcript: digestOf(transcript) }
    const parts = { market: transcript.market, reservation, auction: auctionNamed, slots }
    const market = createSigner(nobleSecp256k1, new Uint8Array(32).fill(0x33))
    const check = async (nanoUsd: bigint) => {
      const record = { ...leaseVector, ...parts, price: { ...price, nanoUsd } }
      const lease = signRecord(market, { chainId: bundle.chainId, market: transcript.market }, record)
      return shell.run(['auction', 'verify', await save('proof.json', toJson({ ...bundle, lease }))])
    }
    expect(await check(price.nanoUsd)).toMatchObject({ status: exitCodes.ok })
    const { status, out } = await check(price.nanoUsd - 1n)
    expect(status).toBe(exitCodes.failed)
    expect(out).toContain('✗ The award followed the rule, and the lease is another.')
    expect(out).toMatch(/✗ +the lease is what the rule gives its bid +the rule gives 1 at/)
  })

  test.each([
    ['no JSON', 'what'],
    ['another document', { chainId: 1 }],
    ['a proof without a transcript', { chainId: 1, transcript: null }],
    ['a transcript with a member too many', altered({ extra: 1 })],
    ['a bid below zero', altered({ bids: [{ price: -1 }] })],
  ])('refuses %s', async (_, value) => {
    const { status, err } = await shell.run(['auction', 'verify', await save('odd.json', value)])
    expect([status, err.length > 0]).toEqual([exitCodes.usage, true])
  })
})

test('auction show names every bid, what it won and what it is paid, and saves the transcript', async () => {
  answer('auction', bundle)
  const { status, out } = await shell.run(['auction', 'show', auction, '--out', 'saved.json'])
  expect(status).toBe(exitCodes.ok)
  expect(out).toMatch(/won +1 +\$0\.00000014/)
  expect(out).toContain('lost')
  expect(out).toContain('3 agents, 2 bid in 200')
  expect((await shell.run(['auction', 'verify', 'saved.json'])).status).toBe(exitCodes.ok)
})

test('auction list shows the auctions of a job, or how to get one', async () => {
  answer('jobAuctions', { auctions: [] })
  expect((await shell.run(['auction', 'list', job])).out).toContain('auction: {window: 200ms}')
  const summary = {
    id: auction,
    job,
    at: Date.now(),
    award: 'lowest',
    terms: { windowMs: 200, pricing: 'second-price' },
    solicited: 3,
    bids: 2,
    winners: 1,
    slots: 1,
    transcript: `0x${'1'.repeat(64)}`,
  }
  answer('jobAuctions', { auctions: [summary] })
  const { out } = await shell.run(['auction', 'list', job])
  expect(out).toContain(auction)
  expect(out).toContain(`muster auction verify ${auction}`)
})
