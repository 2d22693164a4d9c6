import { expect, test } from 'vitest'
import { writeCanonical, writeRecord } from './write-canonical.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('a record that was written stays as it is, with all in it, and keeps its bytes', () => {
  const record = { kind: 'note', list: [{ text: 'a' }, null], map: { bytes: Uint8Array.of(1), amount: 1n } }
  const expected = hex(writeCanonical(record))
  expect(Object.isFrozen(record)).toBe(false)
  const bytes = writeRecord(record)
  expect(hex(bytes)).toBe(expected)
  for (const part of [record, record.list, record.list[0], record.map]) expect(Object.isFrozen(part)).toBe(true)
  expect(writeRecord(record)).toBe(bytes)
  expect(hex(writeCanonical([record, { record }]))).toBe(
    hex(writeCanonical([structuredClone(record), { record: structuredClone(record) }])),
  )
})

test('bytes that were handed out do not change with what is written later', () => {
  const sizes = [0, 10, 1000, 1023, 1025, 5000, 70_000]
  const texts = [...sizes, ...sizes, ...sizes].map((size, index) => `${index}${'x'.repeat(size)}`)
  const all = texts.map((text) => writeCanonical([text, text.length]))
  for (const [index, text] of texts.entries()) {
    expect(all[index]).toEqual(writeCanonical([text, text.length]))
    expect(Buffer.from(all[index] ?? []).includes(text)).toBe(true)
  }
})

test('something is written as ever after something was refused', () => {
  const value = { a: ['b', 1] }
  const expected = hex(writeCanonical(value))
  expect(() => writeCanonical({ a: ['b', 1.5] })).toThrow(TypeError)
  expect(hex(writeCanonical(value))).toBe(expected)
})

test('a value that writes another one while it is read is written whole', () => {
  const value = {
    get a() {
      return writeCanonical('inside')
    },
    b: 'x'.repeat(50),
  }
  expect(hex(writeCanonical(value))).toBe(hex(writeCanonical({ a: writeCanonical('inside'), b: 'x'.repeat(50) })))
})
