import { silentLog, newId, systemWorld } from '@muster/protocol'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AuctionProof } from './bids.ts'
import { createProofFiles, proofDirectoryOf, readProofs } from './proof-files.ts'
import { proofsExitCodes, runProofs } from './run-proofs.ts'

let data: string
beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'muster-proofs-'))
})
afterEach(() => rm(data, { recursive: true, force: true }))

const proof = (breach: AuctionProof['breach']): AuctionProof => ({
  chainId: 1,
  auction: newId(systemWorld, 'auction'),
  breach,
  message: 'Not so: the award follows the rule; the rule gives 1 to 0x…, the market nobody.',
  commitment: {} as AuctionProof['commitment'],
  acknowledgement: null,
  closing: null,
  secondClosing: null,
  transcript: null,
  lease: null,
})

const run = async (...argv: string[]) => {
  const written = { out: '', error: '' }
  const status = await runProofs(argv, {
    writeOut: (text) => void (written.out += text),
    writeError: (text) => void (written.error += text),
    env: { MUSTER_AGENT_DATA_DIRECTORY: data },
  })
  return { status, ...written }
}

test('proofs are files, one for each breach of an auction, and are listed', async () => {
  expect(await run()).toMatchObject({ status: proofsExitCodes.none, out: expect.stringContaining('No market') })
  const directory = proofDirectoryOf(data)
  const keep = createProofFiles(directory, silentLog)
  const unfair = proof('unfair')
  for (const each of [unfair, unfair, proof('excluded')]) keep(each)
  await expect.poll(async () => (await readProofs(directory)).length, { timeout: 30_000 }).toBe(2)
  await writeFile(path.join(directory, 'zz.json'), 'no proof')
  const listed = await run('--json')
  expect(listed.status).toBe(proofsExitCodes.some)
  const shown = JSON.parse(listed.out) as { auction: string; breach: string }[]
  expect(shown.map(({ breach }) => breach).toSorted()).toEqual(['excluded', 'unfair'])
  expect(shown.find(({ breach }) => breach === 'unfair')?.auction).toBe(unfair.auction)
  expect((await run()).out).toContain('the market nobody')
  expect((await readdir(directory)).filter((name) => name.endsWith('.new'))).toEqual([])
})

test('wrong options say so', async () => {
  expect((await run('--what')).status).toBe(proofsExitCodes.usage)
  expect(await run('--help')).toMatchObject({ status: 0, out: expect.stringContaining('muster auction verify FILE') })
})

test('where no agent has run, nothing is said of any market', async () => {
  const nowhere = path.join(data, 'nowhere')
  const { status, out, error } = await run('--data-directory', nowhere)
  expect({ status, out }).toEqual({ status: proofsExitCodes.usage, out: '' })
  expect(error).toContain('✗ No agent has run in this data directory yet.')
  expect(error).toContain(nowhere)
})
