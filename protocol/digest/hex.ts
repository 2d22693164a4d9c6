import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { z } from 'zod'
import { branded } from '../id/branded.ts'

/** `0x` and lower-case hexadecimal digits. */
export type Hex = `0x${string}`

export const toHex = (bytes: Uint8Array): Hex => `0x${bytesToHex(bytes)}`

/** Bytes of `0x…`. Throws on anything that is not whole bytes of hexadecimal. */
export const fromHex = (hex: Hex): Uint8Array => hexToBytes(hex.slice(2))

/** Text that is `0x` and so many bytes in lower-case hexadecimal. */
export const hexText = (byteCount: number): z.ZodString =>
  z.string().regex(new RegExp(`^0x[0-9a-f]{${byteCount * 2}}$`), {
    error: `expected 0x and ${byteCount} bytes in lower-case hex`,
  })

export const hexSchema = (byteCount: number): z.ZodType<Hex, string> => branded<Hex>(hexText(byteCount))
