import {
  createVerifier,
  nobleSecp256k1,
  signedAttestationSchema,
  toJson,
  type SignedAttestation,
} from '@muster/protocol'
import { fakeApiKey, startFakeMarket, type FakeMarket } from '@muster/sdk/fake'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'

const provider = `0x${'12'.repeat(20)}`
const day = 86_400_000
let market: FakeMarket
let shell: TestShell
beforeEach(async () => {
  market = await startFakeMarket()
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
  await writeFile(path.join(shell.directory, 'auditor.key'), `0x${'07'.repeat(32)}\n`)
  await writeFile(path.join(shell.directory, 'other.key'), `0x${'08'.repeat(32)}\n`)
})
afterEach(async () => {
  await market.close()
  await shell.close()
})

const attest = (...flags: string[]) => shell.run(['offer', 'attest', provider, '--key', 'auditor.key', ...flags])
const tier = ['--attribute', 'tier=datacenter']
const out = ['--out', 'attestations.json']
const readAll = async (): Promise<SignedAttestation[]> =>
  signedAttestationSchema
    .array()
    .parse(JSON.parse(await readFile(path.join(shell.directory, 'attestations.json'), 'utf8')))

describe('offer attest', () => {
  test('signs what the auditor stands for, for this market, as agents read it', async () => {
    const before = Date.now()
    const { status, out: said } = await attest(...tier, '--attribute', 'uplink=a=b', '--lasts', '30d', ...out)
    expect(status).toBe(0)
    expect(said).toContain('--attestation-file attestations.json')
    const [signed, ...others] = await readAll()
    if (signed === undefined) throw new Error('one')
    expect(others).toEqual([])
    const { record } = signed
    expect(record).toMatchObject({ provider, attributes: { tier: 'datacenter', uplink: 'a=b' } })
    expect(record.expiresAt - record.issuedAt).toBe(30 * day)
    expect(record.issuedAt).toBeGreaterThanOrEqual(before)
    expect(record.market).toBe(market.network.market)
    const { chainId } = (await (await fetch(`${market.url}/v1/market`)).json()) as { chainId: number }
    const domain = { chainId, market: record.market }
    createVerifier(nobleSecp256k1).requireSigner(domain, signed, record.auditor)
  })

  test('takes the place of what the same auditor signed, beside what others did', async () => {
    await attest(...tier, ...out)
    await shell.run(['offer', 'attest', provider, '--key', 'other.key', ...tier, ...out])
    await attest('--attribute', 'tier=home', ...out)
    const all = await readAll()
    expect(all.map(({ record }) => record.attributes['tier'])).toEqual(['datacenter', 'home'])
    expect(new Set(all.map(({ record }) => record.auditor)).size).toBe(2)
    expect(await readdir(shell.directory)).not.toContain('attestations.json.unfinished')
  })

  test('without a file writes the list to standard output', async () => {
    const { out: text } = await attest(...tier)
    expect(signedAttestationSchema.array().parse(JSON.parse(text))).toHaveLength(1)
    const asked = await attest(...tier, '--json')
    expect(signedAttestationSchema.array().parse(asked.json())).toHaveLength(1)
  })

  test.each([
    ['no attribute', [], 'which attributes'],
    ['an attribute without a value', ['--attribute', 'tier'], 'name and a value'],
    ['an attribute twice', [...tier, '--attribute', 'tier=home'], 'each name once'],
    ['a name that is none', ['--attribute', 'Tier One=x'], 'attributes'],
    ['a life that is none', [...tier, '--lasts', 'long'], '90d'],
    ['a life without an end', [...tier, '--lasts', '9000d'], '732d'],
  ])('%s is refused', async (_, flags, expected) => {
    const { status, err } = await attest(...flags, ...out)
    expect(status).toBe(2)
    expect(err).toContain(expected)
    expect(await readdir(shell.directory)).not.toContain('attestations.json')
  })

  test('a key file that holds no key is refused, and what it holds is not shown', async () => {
    await writeFile(path.join(shell.directory, 'secret.key'), 'my password')
    const { status, err } = await shell.run(['offer', 'attest', provider, '--key', 'secret.key', ...tier])
    expect(status).toBe(2)
    expect(err).not.toContain('password')
    expect((await shell.run(['offer', 'attest', provider, ...tier])).err).toContain('--key')
    expect((await shell.run(['offer', 'attest', provider, '--key', 'none.key', ...tier])).status).toBe(2)
    expect((await shell.run(['offer', 'attest', 'me', '--key', 'auditor.key', ...tier])).status).toBe(2)
  })

  test('a file of something else is left as it is', async () => {
    const file = path.join(shell.directory, 'attestations.json')
    for (const text of ['{"mine":1}', 'no JSON', toJson([{ record: {} }])]) {
      await writeFile(file, text)
      expect((await attest(...tier, ...out)).status).toBe(2)
      expect(await readFile(file, 'utf8')).toBe(text)
    }
  })
})
