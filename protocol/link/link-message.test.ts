import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { arbitraryOf, outputsOf } from '../arbitrary/arbitrary-of.ts'
import { decodeCanonical, encodeCanonical } from '../cbor/canonical.ts'
import { MusterError } from '../error/muster-error.ts'
import { signedLinkHelloSchema } from './link-hello.ts'
import { agentMessageSchema, linkCalls, marketMessageSchema } from './link-message.ts'

const calls = Object.entries(linkCalls).flatMap(([name, { request, response }]): [string, z.ZodType][] => [
  [`request of ${name}`, request],
  [`response of ${name}`, response],
])
const schemas: [string, z.ZodType][] = [
  ['message of an agent', agentMessageSchema],
  ['message of a market', marketMessageSchema],
  ['hello', signedLinkHelloSchema],
  ...calls,
]

const anything = fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true })

/** Reads bytes as a link does: a value the schema accepts, or a refusal of a known kind. */
const readAs = (schema: z.ZodType, bytes: Uint8Array): unknown => {
  try {
    return schema.safeParse(decodeCanonical(bytes)).data
  } catch (error) {
    expect(error).toBeInstanceOf(MusterError)
    return undefined
  }
}

describe.each(schemas)('a %s', (_, schema) => {
  test('is the same after the link', () => {
    fc.assert(
      fc.property(outputsOf(schema), (message) => {
        expect(readAs(schema, encodeCanonical(message))).toEqual(message)
      }),
      { numRuns: 25 },
    )
  })

  test('is refused, and nothing thrown, where it is anything else', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(typeof schema.safeParse(value).success).toBe('boolean')
      }),
      { numRuns: 50 },
    )
  })

  test('is refused or whole where its bytes were damaged', () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
      minLength: 1,
      maxLength: 3,
    })
    fc.assert(
      fc.property(outputsOf(schema), damage, (message, changes) => {
        const bytes = Uint8Array.from(encodeCanonical(message))
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte
        const read = readAs(schema, bytes)
        if (read !== undefined) expect(schema.safeParse(read).success).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('is refused or still one where a part of it is replaced by garbage', () => {
    fc.assert(
      fc.property(arbitraryOf(schema), fc.nat(), anything, (message, chosen, garbage) => {
        if (typeof message !== 'object' || message === null) return
        const keys = Object.keys(message)
        const key = keys[chosen % Math.max(1, keys.length)]
        const changed = key === undefined ? garbage : { ...message, [key]: garbage }
        expect(typeof schema.safeParse(changed).success).toBe('boolean')
      }),
      { numRuns: 50 },
    )
  })
})

test('a message says how long its lists may be', () => {
  const attempt = 'job_01K5KRN0M0ABCDEFGHJKMNPQRT.0.1'
  const cancel = (length: number) => ({ type: 'cancel', attempts: Array<string>(length).fill(attempt) })
  expect(marketMessageSchema.safeParse(cancel(4096)).success).toBe(true)
  expect(marketMessageSchema.safeParse(cancel(4097)).success).toBe(false)
  expect(marketMessageSchema.safeParse({ type: 'pong', at: -1 }).success).toBe(false)
  expect(marketMessageSchema.safeParse({ type: 'none' }).success).toBe(false)
})
