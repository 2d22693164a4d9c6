import { bytesToHex } from '@noble/hashes/utils.js'
import { z } from 'zod'
import { branded } from '../id/branded.ts'

/** `0x` and lower-case hexadecimal digits. */
export type Hex = `0x${string}`

type HexSlice = (this: Uint8Array, start: number, end: number) => string

interface Platform {
  readonly Buffer?: { readonly prototype: { readonly hexSlice?: HexSlice } }
}

const hexSlice = (globalThis as Platform).Buffer?.prototype.hexSlice

/** By the platform where it can, else in JavaScript. */
export const toHex = (bytes: Uint8Array): Hex =>
  `0x${hexSlice === undefined ? bytesToHex(bytes) : hexSlice.call(bytes, 0, bytes.length)}`

/** The value of each hexadecimal digit by its character code; -1 for any other character. */
const digits = new Int8Array(128).fill(-1)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  digits[digit.charCodeAt(0)] = value
  digits[digit.toUpperCase().charCodeAt(0)] = value
}

const digitAt = (hex: Hex, at: number): number => {
  const value = digits[hex.charCodeAt(at)] ?? -1
  if (value < 0) throw new TypeError(`no hexadecimal digit at ${at}`)
  return value
}

/** Writes the bytes of `0x…` into `target` from `offset` on. Throws as `fromHex`. */
export const writeHex = (target: Uint8Array, offset: number, hex: Hex): void => {
  if (hex.length % 2 !== 0) throw new TypeError('half a byte of hexadecimal')
  if (offset + (hex.length - 2) / 2 > target.length) throw new RangeError('more hexadecimal than there is room for')
  for (let at = 2; at < hex.length; at += 2) target[offset++] = (digitAt(hex, at) << 4) | digitAt(hex, at + 1)
}

/** Bytes of `0x…`. Throws on anything that is not whole bytes of hexadecimal. */
export const fromHex = (hex: Hex): Uint8Array => {
  const bytes = new Uint8Array(Math.max(0, hex.length - 2) >> 1)
  writeHex(bytes, 0, hex)
  return bytes
}

/** Text that is `0x` and so many bytes in lower-case hexadecimal. */
export const hexText = (byteCount: number): z.ZodString =>
  z.string().regex(new RegExp(`^0x[0-9a-f]{${byteCount * 2}}$`), {
    error: `expected 0x and ${byteCount} bytes in lower-case hex`,
  })

export const hexSchema = (byteCount: number): z.ZodType<Hex, string> => branded<Hex>(hexText(byteCount))
