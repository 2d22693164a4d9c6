import { layoutOf } from './map-layout.ts'
import {
  copyBytes,
  majorBytes,
  majorList,
  majorNegative,
  majorUnsigned,
  room,
  writeBigHead,
  writeBytes,
  writeHead,
  type Output,
} from './output.ts'
import { writeText } from './write-text.ts'

const refuse = (what: string): never => {
  throw new TypeError(`${what} has no canonical form`)
}

const writeNumber = (out: Output, value: number): void => {
  if (!Number.isSafeInteger(value)) refuse('a fraction')
  if (value >= 0) writeHead(out, majorUnsigned, value)
  else writeHead(out, majorNegative, -1 - value)
}

const bigintEnd = 2n ** 64n

const writeBigint = (out: Output, value: bigint): void => {
  if (value < -bigintEnd || value >= bigintEnd) refuse('an integer this large')
  if (value >= 0n) writeBigHead(out, majorUnsigned, value)
  else writeBigHead(out, majorNegative, -1n - value)
}

/** For the few bytes of a key: fewer than a call of `set` is worth. */
const copyPart = (out: Output, source: Uint8Array, start: number, end: number): void => {
  room(out, end - start)
  const { bytes } = out
  let { at } = out
  for (let i = start; i < end; i++) bytes[at++] = source[i] ?? 0
  out.at = at
}

const writeMap = (out: Output, map: Readonly<Record<string, unknown>>): void => {
  const { ordered, bytes, headEnd, keyEnds } = layoutOf(Object.keys(map))
  copyPart(out, bytes, 0, headEnd)
  let start = headEnd
  for (let i = 0; i < ordered.length; i++) {
    const end = keyEnds[i] ?? 0
    copyPart(out, bytes, start, end)
    writeItem(out, map[ordered[i] ?? ''])
    start = end
  }
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The bytes of records that were written before; what is in here is frozen. */
const written = new WeakMap<object, Uint8Array>()

const writeObject = (out: Output, value: object): void => {
  const known = written.get(value)
  if (known !== undefined) return copyBytes(out, known)
  if (value instanceof Uint8Array) return writeBytes(out, majorBytes, value)
  if (out.freezes) Object.freeze(value)
  if (Array.isArray(value)) {
    writeHead(out, majorList, value.length)
    for (const item of value) writeItem(out, item)
  } else if (isPlain(value)) writeMap(out, value as Readonly<Record<string, unknown>>)
  else refuse(`a ${value.constructor.name}`)
}

const writeItem = (out: Output, value: unknown): void => {
  switch (typeof value) {
    case 'string':
      return writeText(out, value)
    case 'number':
      return writeNumber(out, value)
    case 'bigint':
      return writeBigint(out, value)
    case 'boolean':
      room(out, 1)
      out.bytes[out.at++] = value ? 0xf5 : 0xf4
      return
    case 'object':
      if (value !== null) return writeObject(out, value)
      room(out, 1)
      out.bytes[out.at++] = 0xf6
      return
    default:
      refuse(typeof value)
  }
}

const firstBytes = 1024
/** Written into by one call after the other, up to a size. Gone while an item is written. */
let scratch: Uint8Array | undefined = new Uint8Array(firstBytes)
const keptBytes = 1024 * 1024

const slabBytes = 16 * 1024
const smallBytes = 1024
let slab = new Uint8Array(slabBytes)
let slabAt = 0

/** A copy of its own. Small ones share a buffer, since each buffer costs the collector more than its bytes. */
const keep = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length > smallBytes) return bytes.slice()
  if (slabAt + bytes.length > slabBytes) {
    slab = new Uint8Array(slabBytes)
    slabAt = 0
  }
  const kept = slab.subarray(slabAt, slabAt + bytes.length)
  kept.set(bytes)
  slabAt += bytes.length
  return kept
}

const write = (value: unknown, freezes: boolean): Uint8Array => {
  const out: Output = { bytes: scratch ?? new Uint8Array(firstBytes), at: 0, freezes }
  scratch = undefined
  writeItem(out, value)
  const bytes = keep(out.bytes.subarray(0, out.at))
  if (out.bytes.length <= keptBytes) scratch = out.bytes
  return bytes
}

/** The bytes of one item in deterministic CBOR. Throws `TypeError` on what has no canonical form. */
export const writeCanonical = (value: unknown): Uint8Array => write(value, false)

/**
 * As `writeCanonical`, for a record that is signed, stored and sent: it is frozen, and its bytes are remembered for as
 * long as it lives, also where it stands inside of something else. The bytes are shared: do not change them.
 */
export const writeRecord = (record: object): Uint8Array => {
  const known = written.get(record)
  if (known !== undefined) return known
  const bytes = write(record, true)
  written.set(record, bytes)
  return bytes
}
