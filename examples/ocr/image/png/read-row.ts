import { luma, overWhite } from '../luma.ts'
import type { PngHeader } from './read-header.ts'

/** The palette of an indexed image, already as brightness on white. */
export type PngPalette = Uint8Array

/** PLTE and tRNS (PNG 3rd edition, 11.2.2 and 11.3.1.1); colours that the palette lacks are black. */
export const readPalette = (colours: Uint8Array, alphas: Uint8Array): PngPalette => {
  const palette = new Uint8Array(256)
  for (let index = 0; index * 3 + 2 < colours.length && index < 256; index++) {
    const brightness = luma(colours[index * 3] ?? 0, colours[index * 3 + 1] ?? 0, colours[index * 3 + 2] ?? 0)
    palette[index] = overWhite(brightness, alphas[index] ?? 255)
  }
  return palette
}

/** `count` pixels of an unfiltered row as brightness; 16-bit samples keep their high byte, alpha is put on white. */
export const readRow = (row: Uint8Array, count: number, header: PngHeader, palette: PngPalette): Uint8Array => {
  const { bitDepth, channels, colour } = header
  const sampleAt = (index: number): number => {
    if (bitDepth === 8) return row[index] ?? 0
    if (bitDepth === 16) return row[index * 2] ?? 0
    const bit = index * bitDepth
    return ((row[bit >> 3] ?? 0) >> (8 - bitDepth - (bit & 7))) & ((1 << bitDepth) - 1)
  }
  const toByte = bitDepth < 8 ? 255 / ((1 << bitDepth) - 1) : 1
  const brightnessAt = (first: number): number => {
    if (colour === 'palette') return palette[sampleAt(first)] ?? 0
    if (colour === 'gray') return sampleAt(first) * toByte
    if (colour === 'gray-alpha') return overWhite(sampleAt(first), sampleAt(first + 1))
    const brightness = luma(sampleAt(first), sampleAt(first + 1), sampleAt(first + 2))
    return colour === 'rgba' ? overWhite(brightness, sampleAt(first + 3)) : brightness
  }
  const pixels = new Uint8Array(count)
  for (let pixel = 0; pixel < count; pixel++) pixels[pixel] = brightnessAt(pixel * channels)
  return pixels
}
