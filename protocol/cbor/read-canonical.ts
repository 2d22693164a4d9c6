import { readKey } from './read-key.ts'
import { readText } from './read-text.ts'

/** Lists and maps inside one another; past it the bytes are refused, so that no reader behind this one runs out of stack. */
export const maxDepth = 64

/**
 * Reads one item of deterministic CBOR (RFC 8949 §4.2.1) and refuses every other spelling of it, in one pass:
 * each head is the shortest, each map's keys are text in strictly rising order of their bytes, text is UTF-8.
 * Whatever it returns encodes to the same bytes again. Throws `TypeError`.
 */
export const readCanonical = (bytes: Uint8Array): unknown => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0

  const refuse = (what: string): never => {
    throw new TypeError(`${what} at byte ${at}`)
  }

  const take = (byteCount: number): number => {
    if (byteCount > bytes.length - at) refuse('the end is missing')
    at += byteCount
    return at - byteCount
  }

  const argument = (info: number): number | bigint => {
    if (info < 24) return info
    switch (info) {
      case 24: {
        const value = view.getUint8(take(1))
        return value < 24 ? refuse('a head longer than it need be') : value
      }
      case 25: {
        const value = view.getUint16(take(2))
        return value < 2 ** 8 ? refuse('a head longer than it need be') : value
      }
      case 26: {
        const value = view.getUint32(take(4))
        return value < 2 ** 16 ? refuse('a head longer than it need be') : value
      }
      case 27: {
        const start = take(8)
        const high = view.getUint32(start)
        if (high === 0) refuse('a head longer than it need be')
        return high < 2 ** 21 ? high * 2 ** 32 + view.getUint32(start + 4) : view.getBigUint64(start)
      }
      default:
        return refuse('an indefinite length or a reserved head')
    }
  }

  const count = (info: number, bytesEach: number): number => {
    const length = argument(info)
    if (length > (bytes.length - at) / bytesEach) refuse('the end is missing')
    return Number(length)
  }

  const text = (length: number): string => {
    const start = take(length)
    return readText(bytes, start, at)
  }

  const negative = (info: number): number | bigint => {
    const value = argument(info)
    if (typeof value === 'number' && value < Number.MAX_SAFE_INTEGER) return -1 - value
    return -1n - BigInt(value)
  }

  const list = (length: number, depth: number): unknown[] => {
    const items: unknown[] = []
    for (let i = 0; i < length; i++) items.push(item(depth + 1))
    return items
  }

  const isAfter = (start: number, length: number, beforeStart: number, beforeLength: number): boolean => {
    if (length !== beforeLength) return length > beforeLength
    for (let i = 0; i < length; i++) {
      const difference = (bytes[start + i] ?? 0) - (bytes[beforeStart + i] ?? 0)
      if (difference !== 0) return difference > 0
    }
    return false
  }

  const map = (length: number, depth: number): Record<string, unknown> => {
    const entries: Record<string, unknown> = {}
    let beforeStart = 0
    let beforeLength = -1
    for (let i = 0; i < length; i++) {
      const head = bytes[take(1)] ?? 0
      if (head >> 5 !== 3) refuse('a key that is not text')
      const keyLength = count(head & 31, 1)
      const keyStart = take(keyLength)
      const key = readKey(bytes, keyStart, at)
      if (!isAfter(keyStart, keyLength, beforeStart, beforeLength)) refuse('a key that is repeated or out of order')
      beforeStart = keyStart
      beforeLength = keyLength
      const value = item(depth + 1)
      if (key === '__proto__') {
        Object.defineProperty(entries, key, { value, configurable: true, enumerable: true, writable: true })
      } else entries[key] = value
    }
    return entries
  }

  const simple = (head: number): unknown => {
    if (head === 0xf4) return false
    if (head === 0xf5) return true
    return head === 0xf6 ? null : refuse('a fraction, undefined or another simple value')
  }

  const item = (depth: number): unknown => {
    const head = bytes[take(1)] ?? 0
    const info = head & 31
    switch (head >> 5) {
      case 0:
        return argument(info)
      case 1:
        return negative(info)
      case 2: {
        const start = take(count(info, 1))
        return new Uint8Array(bytes.subarray(start, at))
      }
      case 3:
        return text(count(info, 1))
      case 4:
        return depth >= maxDepth ? refuse('nested too deep') : list(count(info, 1), depth)
      case 5:
        return depth >= maxDepth ? refuse('nested too deep') : map(count(info, 2), depth)
      case 6:
        return refuse('a tag')
      default:
        return simple(head)
    }
  }

  const value = item(0)
  return at === bytes.length ? value : refuse('something after the item')
}
