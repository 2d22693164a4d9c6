import type { Dtype } from './dtype.ts'
import { viewElements } from './tensor.ts'

/**
 * Writes every NaN of the bytes in the one form Muster hashes: 0x7fc00000, 0x7ff8000000000000 or 0x7e00.
 * The bytes are little-endian elements at an offset that is a multiple of the element's size.
 */
export const canonicalizeNan = (dtype: Dtype, bytes: Uint8Array): void => {
  if (dtype === 'float32') {
    const bits = viewElements('uint32', bytes.buffer, bytes.byteOffset, bytes.length / 4)
    for (let i = 0; i < bits.length; i++) if (((bits[i] ?? 0) & 0x7fff_ffff) > 0x7f80_0000) bits[i] = 0x7fc0_0000
  } else if (dtype === 'float64') {
    const halves = viewElements('uint32', bytes.buffer, bytes.byteOffset, bytes.length / 4)
    for (let i = 0; i < halves.length; i += 2) {
      if (!isNan64(halves[i] ?? 0, halves[i + 1] ?? 0)) continue
      halves[i] = 0
      halves[i + 1] = 0x7ff8_0000
    }
  } else if (dtype === 'float16') {
    const bits = viewElements('uint16', bytes.buffer, bytes.byteOffset, bytes.length / 2)
    for (let i = 0; i < bits.length; i++) if (((bits[i] ?? 0) & 0x7fff) > 0x7c00) bits[i] = 0x7e00
  }
}

/** Index of the first NaN that is not in canonical form, or -1. Same demands on the bytes as `canonicalizeNan`. */
export const findForeignNan = (dtype: Dtype, bytes: Uint8Array): number => {
  if (dtype === 'float32') {
    const bits = viewElements('uint32', bytes.buffer, bytes.byteOffset, bytes.length / 4)
    for (let i = 0; i < bits.length; i++) {
      if (((bits[i] ?? 0) & 0x7fff_ffff) > 0x7f80_0000 && bits[i] !== 0x7fc0_0000) return i
    }
  } else if (dtype === 'float64') {
    const halves = viewElements('uint32', bytes.buffer, bytes.byteOffset, bytes.length / 4)
    for (let i = 0; i < halves.length; i += 2) {
      if (isNan64(halves[i] ?? 0, halves[i + 1] ?? 0) && (halves[i] !== 0 || halves[i + 1] !== 0x7ff8_0000))
        return i / 2
    }
  } else if (dtype === 'float16') {
    const bits = viewElements('uint16', bytes.buffer, bytes.byteOffset, bytes.length / 2)
    for (let i = 0; i < bits.length; i++) if (((bits[i] ?? 0) & 0x7fff) > 0x7c00 && bits[i] !== 0x7e00) return i
  }
  return -1
}

const isNan64 = (low: number, high: number): boolean => {
  const exponentAndFraction = high & 0x7fff_ffff
  return exponentAndFraction > 0x7ff0_0000 || (exponentAndFraction === 0x7ff0_0000 && low !== 0)
}
