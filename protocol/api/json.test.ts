import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outputsOf } from '../arbitrary/arbitrary-of.ts'
import { encodeCanonical } from '../cbor/canonical.ts'
import { digestOf } from '../digest/digest.ts'
import { toHex } from '../digest/hex.ts'
import { jobSpecSchema } from '../job/job-spec.ts'
import { signatureSchema } from '../signature/signed.ts'
import { exampleClaim } from '../vector/example-records.ts'
import { recordKinds } from '../vector/record-kinds.ts'
import { receiptBundleSchema } from './job-routes.ts'
import { toJson } from './json.ts'

const schemas = {
  ...Object.fromEntries(Object.entries(recordKinds).map(([kind, { schema }]) => [kind, schema])),
  spec: jobSpecSchema,
  signature: signatureSchema,
  bundle: receiptBundleSchema,
}

describe.each(Object.entries(schemas))('a %s', (_, schema) => {
  test('has the same digest after JSON, so that it can be checked from a file', () => {
    fc.assert(
      fc.property(outputsOf(schema), fc.constantFrom(undefined, 2), (value, indent) => {
        const again = schema.parse(JSON.parse(toJson(value, indent)))
        expect(again).toEqual(value)
        expect(toHex(encodeCanonical(again))).toBe(toHex(encodeCanonical(value)))
      }),
      { numRuns: 40 },
    )
  })
})

describe.each(Object.entries(recordKinds))('a %s', (_, { schema, example }) => {
  const json = () => JSON.parse(toJson(example)) as Record<string, unknown>

  test('is refused with a field it does not have, without one it has, or with one of the wrong kind', () => {
    expect(schema.safeParse(json()).success).toBe(true)
    expect(schema.safeParse({ ...json(), more: 1 }).success).toBe(false)
    for (const field of Object.keys(example)) {
      const { [field]: __, ...rest } = json()
      expect(schema.safeParse(rest).success).toBe(false)
      expect(schema.safeParse({ ...json(), [field]: { wrong: true } }).success).toBe(false)
    }
  })

  test('may write money as an integer, and a zero as -0, and is the same record', () => {
    const numbers = JSON.parse(toJson(example), (key, value: unknown) =>
      ['nanoUsd', 'ceiling', 'bond', 'amount'].includes(key) ? Number(value) : value === 0 ? -0 : value,
    ) as unknown
    expect(digestOf(schema.parse(numbers))).toBe(digestOf(example))
  })
})

test('text that is not Unicode is refused before it is signed', () => {
  const { offer, claim } = recordKinds
  expect(offer?.schema.safeParse({ ...offer.example, execSpec: '\ud800' }).success).toBe(false)
  expect(offer?.schema.safeParse({ ...offer.example, attributes: { tier: 'a\udc00' } }).success).toBe(false)
  const output = { ...exampleClaim.outputs[0], name: '\ud800' }
  expect(claim?.schema.safeParse({ ...claim.example, outputs: [output] }).success).toBe(false)
})
