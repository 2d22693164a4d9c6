import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { cidOf } from '../digest/cid.ts'
import { checkBlob } from './check-blob.ts'

const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index & 255)

async function* inChunks(size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const collect = async (cid: ReturnType<typeof cidOf>, size: number, maxBytes: number): Promise<number> => {
  let count = 0
  for await (const chunk of checkBlob(cid, inChunks(size), maxBytes, createHash('sha256'))) count += chunk.length
  return count
}

test('hands a blob on in any pieces', async () => {
  for (const size of [1, 7, 1000, 4000]) expect(await collect(cidOf(bytes), size, 1000)).toBe(1000)
})

test('throws at the end of a blob that is another one', async () => {
  await expect(collect(cidOf(bytes.subarray(1)), 100, 1000)).rejects.toMatchObject({
    code: 'blob_corrupt',
    facts: { found: cidOf(bytes), bytes: 1000 },
  })
})

test('throws before handing on more than is allowed', async () => {
  const taken: number[] = []
  const read = async () => {
    for await (const chunk of checkBlob(cidOf(bytes), inChunks(100), 999, createHash('sha256')))
      taken.push(chunk.length)
  }
  await expect(read()).rejects.toMatchObject({ code: 'blob_too_large', facts: { maxBytes: 999 } })
  expect(taken).toHaveLength(9)
})
