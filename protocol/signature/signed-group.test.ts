import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodeCanonical, encodeCanonical } from '../cbor/canonical.ts'
import { exampleDomain, exampleSigners } from '../vector/example-records.ts'
import { loadSecp256k1 } from './load-secp256k1.ts'
import { pickFromGroup, signedGroupSchema, signGroup, spreadGroup } from './signed-group.ts'
import { createVerifier } from './verifier.ts'

const signer = exampleSigners.provider
const verifier = createVerifier(await loadSecp256k1())
const noteSchema = z.strictObject({ kind: z.literal('note'), number: z.int() })
type Note = z.output<typeof noteSchema>

const notes = (size: number): Note[] => Array.from({ length: size }, (_, number) => ({ kind: 'note', number }))

test('what is picked from a group holds alone, record by record, also after it was stored', () => {
  const schema = signedGroupSchema(noteSchema)
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 60 })), fc.integer({ min: 1, max: 60 }), (wanted, size) => {
      const group = signGroup(signer, exampleDomain, notes(size))
      const picked = pickFromGroup(group, ({ number }) => wanted.includes(number))
      const expected = notes(size).filter(({ number }) => wanted.includes(number))
      if (expected.length === 0) {
        expect(picked).toBeUndefined()
        return
      }
      if (picked === undefined) throw new Error('nothing was picked')
      expect(picked.records).toEqual(expected)
      const stored = schema.parse(decodeCanonical(encodeCanonical(picked)))
      for (const signed of [...spreadGroup(picked), ...spreadGroup(stored)])
        verifier.requireSigner(exampleDomain, signed, signer.address)
      const again = pickFromGroup(picked, ({ number }) => number === expected.at(-1)?.number)
      expect(again && spreadGroup(again)).toEqual(
        spreadGroup(group).filter(({ record }) => record.number === expected.at(-1)?.number),
      )
    }),
    { numRuns: 50 },
  )
})

test('all of a group is the group itself, so that nothing is worked out or stored for each', () => {
  const group = signGroup(signer, exampleDomain, notes(5))
  expect(pickFromGroup(group, () => true)).toBe(group)
  expect(group).not.toHaveProperty('signatures')
})

test('a group needs a record, and as many signatures as records', () => {
  const schema = signedGroupSchema(noteSchema)
  const [first, second] = spreadGroup(signGroup(signer, exampleDomain, notes(2)))
  const records = notes(2)
  expect(schema.safeParse({ records, signatures: [first?.signature, second?.signature] }).success).toBe(true)
  expect(schema.safeParse({ records, signatures: [first?.signature] }).success).toBe(false)
  expect(schema.safeParse({ records: [], signatures: [] }).success).toBe(false)
  expect(() => signGroup(signer, exampleDomain, [])).toThrow(RangeError)
})
