import { readText } from './read-text.ts'

interface KnownKey {
  readonly bytes: Uint8Array
  readonly text: string
}

/** Keys of more bytes are not remembered. */
const mostBytes = 32
/** A power of two. */
const slotCount = 512
/** The key read last into each slot: the keys of records come all the time, and any key gives way to the next. */
const slots: (KnownKey | undefined)[] = Array.from({ length: slotCount }, () => undefined)

const slotOf = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = end - start
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] ?? 0)) | 0
  return (hash ^ (hash >>> 9)) & (slotCount - 1)
}

const isAt = (key: Uint8Array, bytes: Uint8Array, start: number): boolean => {
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false
  return true
}

/** As `readText`, for the key of a map: one that was read before is not made again. */
export const readKey = (bytes: Uint8Array, start: number, end: number): string => {
  if (end - start > mostBytes) return readText(bytes, start, end)
  const slot = slotOf(bytes, start, end)
  const known = slots[slot]
  if (known !== undefined && known.bytes.length === end - start && isAt(known.bytes, bytes, start)) return known.text
  const text = readText(bytes, start, end)
  slots[slot] = { bytes: new Uint8Array(bytes.subarray(start, end)), text }
  return text
}
