import { expect, test } from 'vitest'
import { cidOf } from '../digest/cid.ts'
import { closeReasonOf } from './link-closed.ts'
import { linkCloseReasons } from './link.ts'
import { blobCidOf, blobPath, callNameOf, callPath } from './link-route.ts'

test('paths are read as they are written', () => {
  const cid = cidOf(new Uint8Array(3))
  expect(blobCidOf(blobPath(cid))).toBe(cid)
  expect(callNameOf(callPath('open-lease'))).toBe('open-lease')
})

test.each(['/v1/blobs/', '/v1/blobs/bafkrei', '/v1/blobs/../x', '/v1/calls/reserve', ''])(
  '%j names no blob',
  (path) => {
    expect(blobCidOf(path)).toBeUndefined()
  },
)

test('a close reason is one of the known ones or none', () => {
  for (const reason of linkCloseReasons) expect(closeReasonOf(new TextEncoder().encode(reason))).toBe(reason)
  expect(closeReasonOf(new TextEncoder().encode('bored'))).toBeUndefined()
  expect(closeReasonOf(undefined)).toBeUndefined()
})
