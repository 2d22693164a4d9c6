import { createVerifier, loadSecp256k1, verifyReceipt, verifyTranscript } from '@muster/sdk'
import { afterEach, expect, test } from 'vitest'
import { noopAgents, noopJob, startTestNetwork, type TestNetwork } from './test-network.ts'

let network: TestNetwork | undefined

afterEach(async () => {
  await network?.close()
  network = undefined
})

test('a sealed auction between processes: who bid least wins, and its receipts pass with the transcript only', async () => {
  network = await startTestNetwork({ agents: noopAgents([2, 2, 2]) })
  const { muster, devnet } = network
  const { id } = await muster.submitJob({ ...noopJob(4, 2), auction: { windowMs: 1_000, pricing: 'second-price' } })
  const job = await muster.waitForJob(id)
  expect(job).toMatchObject({ outcome: 'succeeded', charged: 404n })
  const [summary] = await muster.listAuctions(id)
  expect(summary).toMatchObject({ solicited: 3, bids: 3, winners: 1, slots: 2 })
  if (summary === undefined) throw new Error('no auction')
  const transcript = await muster.getAuction(summary.id)
  const verifier = createVerifier(await loadSecp256k1())
  const domain = { chainId: transcript.chainId, market: devnet.market }
  expect(verifyTranscript(verifier, domain, transcript.transcript).filter(({ holds }) => !holds)).toEqual([])
  const [bundle] = await Array.fromAsync(muster.listReceipts(id))
  expect(bundle?.lease.record.price.nanoUsd).toBe(101n)
  expect(bundle?.reservation.record.price.nanoUsd).toBe(100n)
  expect(verifyReceipt(bundle, { market: devnet.market, transcript }, verifier).ok).toBe(true)
  const { ok, checks } = verifyReceipt(bundle, { market: devnet.market }, verifier)
  expect(ok).toBe(false)
  expect(checks.filter(({ result }) => result === 'failed')).toMatchObject([
    { name: 'the auction awarded this price and these slots' },
  ])
  const other = {
    ...transcript,
    transcript: { ...transcript.transcript, record: { ...transcript.transcript.record, wanted: 1 } },
  }
  expect(verifyReceipt(bundle, { market: devnet.market, transcript: other }, verifier).ok).toBe(false)
})
