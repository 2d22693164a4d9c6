import {
  cidOf,
  createSigner,
  loadSecp256k1,
  silentLog,
  type AgentPeer,
  type Cid,
  type Job,
  type MarketMessage,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { createGiveBlobs } from './give-blobs.ts'
import { createMemoryBlobs } from './memory-blobs.ts'
import { createNeededBlobs } from './needed-blobs.ts'

const { address } = createSigner(await loadSecp256k1(), new Uint8Array(32).fill(1))
const bytesOf = (index: number): Uint8Array => new TextEncoder().encode(`blob ${index}`)

const setUp = (count: number, needed = count) => {
  const all = new Map<Cid, Uint8Array>()
  for (let index = 0; index < count; index++) all.set(cidOf(bytesOf(index)), bytesOf(index))
  const cids = [...all.keys()]
  const sent: MarketMessage[] = []
  const transfers: { readonly cid: Cid; readonly done: () => void }[] = []
  const peer = {
    provider: address,
    putBlob: (cid: Cid) => new Promise<void>((done) => void transfers.push({ cid, done })),
    send: (message: MarketMessage) => void sent.push(message),
  } as unknown as AgentPeer
  const inputs = cids.slice(0, needed).map((cid) => ({ name: 'x', cid }))
  const job = { spec: { program: null, tasks: [{ inputs }] } } as unknown as Job
  const blobs = createMemoryBlobs(all)
  const give = createGiveBlobs({ blobs, isNeeded: createNeededBlobs({ blobs, jobsOf: () => [job] }), log: silentLog })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { cids, sent, transfers, peer, give, settle }
}

describe('an agent that wants blobs', () => {
  test('gets a few at a time, each once', async () => {
    const { cids, transfers, peer, give, settle, sent } = setUp(40)
    for (let round = 0; round < 100; round++) for (const cid of cids.slice(8)) give(peer, { cid })
    await settle()
    expect(transfers).toHaveLength(8)
    while (transfers.length > 0) {
      for (const { done } of transfers.splice(0)) done()
      await settle()
      expect(transfers.length).toBeLessThanOrEqual(8)
    }
    expect(sent).toEqual([])
  })

  test('is refused what no lease of its needs', async () => {
    const { cids, transfers, peer, give, settle, sent } = setUp(2, 1)
    for (const cid of cids) give(peer, { cid })
    await settle()
    expect(transfers.map(({ cid }) => cid)).toEqual(cids.slice(0, 1))
    expect(sent).toMatchObject([{ type: 'blob-missing', cid: cids[1], problem: { code: 'forbidden' } }])
  })

  test('may not wait for any number of them', async () => {
    const { cids, peer, give, settle, sent } = setUp(4_200)
    for (const cid of cids) give(peer, { cid })
    await settle()
    expect(sent).toHaveLength(4_200 - 4_096 - 8)
    expect(sent[0]).toMatchObject({ type: 'blob-missing', problem: { code: 'rate_limited' } })
  })
})
