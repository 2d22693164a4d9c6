import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { PageText } from '../read-pages.ts'
import type { RecordedModels } from '../program/record-digests.ts'
import { shippedFolder } from './read-shipped-pages.ts'

/** Digests (CIDs) of what the programs answer about one page: its map, and the steps of each piece in reading order. */
export type PageDigests = { readonly map: string; readonly pieces: readonly string[] }

/** `programs` are the CIDs of the two ONNX files; `pages` is keyed by file. */
export type ShippedDigests = {
  readonly programs: { readonly detector: string; readonly recogniser: string }
  readonly pages: Readonly<Record<string, PageDigests>>
}

const file = path.join(shippedFolder, 'digests.json')

/** What every machine must answer about the shipped pages, bit for bit. */
export const readShippedDigests = (): ShippedDigests => JSON.parse(readFileSync(file, 'utf8')) as ShippedDigests

export const writeShippedDigests = (digests: ShippedDigests): void =>
  writeFileSync(file, `${JSON.stringify(digests, null, 2)}\n`)

/** Sorts the digests of one `readPages` by page: it asks about pieces page by page. */
export const digestsByPage = (
  { maps, steps }: Pick<RecordedModels, 'maps' | 'steps'>,
  texts: readonly PageText[],
): PageDigests[] => {
  let next = 0
  return texts.map(({ pieces }, page) => {
    const start = next
    next += pieces
    return { map: maps[page] ?? '', pieces: steps.slice(start, next) }
  })
}
