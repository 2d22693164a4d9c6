/** Where the bytes of one item grow. */
interface Output {
  bytes: Uint8Array
  view: DataView
  at: number
}

const firstBytes = 1024
const utf8 = new TextEncoder()

const majorUnsigned = 0
const majorNegative = 1
const majorBytes = 2
const majorText = 3
const majorList = 4
const majorMap = 5

const refuse = (what: string): never => {
  throw new TypeError(`${what} has no canonical form`)
}

const room = (out: Output, byteCount: number): void => {
  const needed = out.at + byteCount
  if (needed <= out.bytes.length) return
  const grown = new Uint8Array(Math.max(needed, out.bytes.length * 2))
  grown.set(out.bytes.subarray(0, out.at))
  out.bytes = grown
  out.view = new DataView(grown.buffer)
}

const writeHead = (out: Output, major: number, value: number): void => {
  room(out, 9)
  const type = major << 5
  if (value < 24) out.view.setUint8(out.at++, type | value)
  else if (value < 2 ** 8) {
    out.view.setUint8(out.at, type | 24)
    out.view.setUint8(out.at + 1, value)
    out.at += 2
  } else if (value < 2 ** 16) {
    out.view.setUint8(out.at, type | 25)
    out.view.setUint16(out.at + 1, value)
    out.at += 3
  } else if (value < 2 ** 32) {
    out.view.setUint8(out.at, type | 26)
    out.view.setUint32(out.at + 1, value)
    out.at += 5
  } else writeLongHead(out, major, BigInt(value))
}

const writeLongHead = (out: Output, major: number, value: bigint): void => {
  room(out, 9)
  out.view.setUint8(out.at, (major << 5) | 27)
  out.view.setBigUint64(out.at + 1, value)
  out.at += 9
}

const writeNumber = (out: Output, value: number): void => {
  if (!Number.isSafeInteger(value)) refuse('a fraction')
  if (value >= 0) writeHead(out, majorUnsigned, value)
  else writeHead(out, majorNegative, -1 - value)
}

const writeBigint = (out: Output, value: bigint): void => {
  if (value < -(2n ** 64n) || value >= 2n ** 64n) refuse('an integer this large')
  const [major, magnitude] = value >= 0n ? [majorUnsigned, value] : [majorNegative, -1n - value]
  if (magnitude < 2n ** 32n) writeHead(out, major, Number(magnitude))
  else writeLongHead(out, major, magnitude)
}

const writeText = (out: Output, text: string): void => {
  const { length } = text
  const start = out.at
  writeHead(out, majorText, length)
  room(out, length)
  const { bytes } = out
  let at = out.at
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) {
      out.at = start
      return writeBytes(out, majorText, utf8.encode(text))
    }
    bytes[at++] = code
  }
  out.at = at
}

const copyBytes = (out: Output, bytes: Uint8Array): void => {
  room(out, bytes.length)
  out.bytes.set(bytes, out.at)
  out.at += bytes.length
}

const writeBytes = (out: Output, major: number, bytes: Uint8Array): void => {
  writeHead(out, major, bytes.length)
  copyBytes(out, bytes)
}

const compareEncoded = (a: string, b: string): number => {
  const [left, right] = [utf8.encode(a), utf8.encode(b)]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0 && left.length === right.length) return difference
  }
  return left.length - right.length
}

const isAsciiKey = (key: string): boolean => {
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) > 0x7f) return false
  return true
}

/** Insertion sort: a record has a dozen keys, nearly in order. */
const orderKeys = (keys: string[]): string[] => {
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] ?? ''
    let j = i
    for (; j > 0; j--) {
      const before = keys[j - 1] ?? ''
      if (before.length < key.length || (before.length === key.length && before <= key)) break
      keys[j] = before
    }
    keys[j] = key
  }
  return keys
}

/** Beyond this many keys, or outside ASCII, sorting is left to the engine. */
const fewKeys = 40

/** RFC 8949's order of encoded keys. The length is in the head, so for text it is: shorter first, then bytewise. */
const orderedKeys = (map: object): string[] => {
  const keys = Object.keys(map)
  return keys.length <= fewKeys && keys.every(isAsciiKey) ? orderKeys(keys) : keys.sort(compareEncoded)
}

const writeMap = (out: Output, map: Readonly<Record<string, unknown>>): void => {
  const keys = orderedKeys(map)
  writeHead(out, majorMap, keys.length)
  for (const key of keys) {
    writeText(out, key)
    writeItem(out, map[key])
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
  if (Array.isArray(value)) {
    writeHead(out, majorList, value.length)
    for (const item of value) writeItem(out, item)
  } else if (value instanceof Uint8Array) writeBytes(out, majorBytes, value)
  else if (isPlain(value)) writeMap(out, value as Readonly<Record<string, unknown>>)
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

let scratch: Output | undefined = { bytes: new Uint8Array(firstBytes), view: new DataView(new ArrayBuffer(0)), at: 0 }
scratch.view = new DataView(scratch.bytes.buffer)

/** Output that is kept from one call to the next, up to this size. */
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

/** The bytes of one item in deterministic CBOR. Throws `TypeError` on what has no canonical form. */
export const writeCanonical = (value: unknown): Uint8Array => {
  const out = scratch ?? { bytes: new Uint8Array(firstBytes), view: new DataView(new ArrayBuffer(0)), at: 0 }
  scratch = undefined
  out.view = new DataView(out.bytes.buffer)
  out.at = 0
  writeItem(out, value)
  const bytes = keep(out.bytes.subarray(0, out.at))
  if (out.bytes.length <= keptBytes) scratch = out
  return bytes
}

const freezeAll = (value: unknown): void => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
  Object.freeze(value)
  for (const key in value) freezeAll((value as Readonly<Record<string, unknown>>)[key])
}

/**
 * As `writeCanonical`, for a record that is signed, stored and sent: it is frozen, and its bytes are remembered for as
 * long as it lives, also where it stands inside of something else. The bytes are shared: do not change them.
 */
export const writeRecord = (record: object): Uint8Array => {
  const known = written.get(record)
  if (known !== undefined) return known
  freezeAll(record)
  const bytes = writeCanonical(record)
  written.set(record, bytes)
  return bytes
}
