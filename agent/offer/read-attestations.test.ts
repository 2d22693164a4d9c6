import { createSigner, nobleSecp256k1, signRecord, toJson, type Attestation } from '@muster/protocol'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../stage/temporary-directory.ts'
import { parseAttestations, readAttestations } from './read-attestations.ts'

const auditor = createSigner(nobleSecp256k1, new Uint8Array(32).fill(7))
const market = `0x${'3'.repeat(40)}` as Attestation['market']
const attestation = signRecord(auditor, { chainId: 1, market }, {
  kind: 'attestation',
  market,
  auditor: auditor.address,
  provider: `0x${'2'.repeat(40)}` as Attestation['provider'],
  attributes: { tier: 'datacenter' },
  issuedAt: 1,
  expiresAt: 2,
} satisfies Attestation)

test('a list of attestations is read as it was signed', async () => {
  const file = path.join(await temporaryDirectory(), 'attestations.json')
  await writeFile(file, toJson([attestation]))
  expect(await readAttestations(file)).toEqual([attestation])
})

test.each([
  ['{', 'it is not JSON'],
  ['{}', 'expected array'],
  [toJson([{ ...attestation, record: { ...attestation.record, auditor: 'acme' } }]), '0.record.auditor'],
])('%s is refused: %s', (text, problem) => {
  expect(() => parseAttestations('a.json', text)).toThrow(problem)
})

test('a file that is not there is named', async () => {
  await expect(readAttestations('/nowhere/a.json')).rejects.toMatchObject({ facts: { file: '/nowhere/a.json' } })
})
