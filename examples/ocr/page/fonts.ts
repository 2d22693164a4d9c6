import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import opentype, { type Font } from 'opentype.js'

/** Openly licensed (SIL OFL 1.1) faces, as npm's @fontsource packages carry them. */
export const fontNames = [
  'courier-prime/400-normal',
  'ibm-plex-mono/400-normal',
  'inter/400-normal',
  'inter/700-normal',
  'libre-baskerville/400-normal',
  'lora/400-normal',
  'lora/400-italic',
  'source-serif-4/400-normal',
  'source-serif-4/700-normal',
] as const

export type FontName = (typeof fontNames)[number]

export const readFont = (name: FontName): Font => {
  const [family = '', style = ''] = name.split('/')
  const url = import.meta.resolve(`@fontsource/${family}/files/${family}-latin-${style}.woff`)
  const bytes = readFileSync(fileURLToPath(url))
  return opentype.parse(new Uint8Array(bytes).buffer)
}
