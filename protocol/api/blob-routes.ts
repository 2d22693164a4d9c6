import { z } from 'zod'
import { cidSchema } from '../digest/cid.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})
const cidParams = z.strictObject({ cid: cidSchema })

export const putBlobRoute = defineRoute({
  method: 'PUT',
  path: '/v1/blobs/{cid}',
  summary: 'Upload a blob. Refused, and nothing kept, unless its bytes are what the CID says.',
  auth: 'tenant',
  params: cidParams,
  query: none,
  body: 'bytes',
  response: { json: z.strictObject({ cid: cidSchema, bytes: z.int() }) },
  status: 201,
  errors: ['blob_too_large', 'blob_corrupt', 'disk_full', 'insufficient_funds'],
})

export const getBlobRoute = defineRoute({
  method: 'GET',
  path: '/v1/blobs/{cid}',
  summary: 'Download a blob, or a range of it (`Range: bytes=a-b`).',
  auth: 'tenant',
  params: cidParams,
  query: none,
  body: null,
  response: 'bytes',
  status: 200,
  errors: ['blob_missing'],
})

export const findBlobsRoute = defineRoute({
  method: 'POST',
  path: '/v1/blobs/missing',
  summary: 'Which of these blobs the market does not hold yet.',
  auth: 'tenant',
  params: none,
  query: none,
  body: z.strictObject({ cids: z.array(cidSchema).max(20_000) }),
  response: { json: z.strictObject({ missing: z.array(cidSchema) }) },
  status: 200,
  errors: [],
})
