import { createHash } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { cidOf, cidOfSha256 } from './cid.ts'
import { digestOf } from './digest.ts'

vi.mock('@noble/hashes/sha2.js', () => ({
  sha256: () => {
    throw new Error('hashed in JavaScript')
  },
}))

test('where the platform hashes, large blobs and records are hashed by it', () => {
  const bytes = new Uint8Array(1_000_000).fill(7)
  expect(cidOf(bytes)).toBe(cidOfSha256(createHash('sha256').update(bytes).digest()))
  expect(digestOf('text')).toMatch(/^0x[0-9a-f]{64}$/)
})
