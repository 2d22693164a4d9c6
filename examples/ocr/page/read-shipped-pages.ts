import { readFileSync } from 'node:fs'
import path from 'node:path'
import { decodeImage } from '../image/decode-image.ts'
import type { GrayImage } from '../image/gray-image.ts'

export type ShippedPage = {
  readonly file: string
  readonly image: GrayImage
  /** What is printed on it, from top to bottom. */
  readonly lines: readonly string[]
}

/** Where the pages lie that come with the example. */
export const shippedFolder: string = path.join(import.meta.dirname, 'shipped')

/** The series of `makePage` that they are. */
export const shippedSeed = 1

type Truth = Readonly<Record<string, { readonly font: string; readonly lines: readonly string[] }>>

/** The pages of a folder that `make-pages.ts` has written, in the order of its `truth.json`. */
export const readShippedPages = (folder: string = shippedFolder): readonly ShippedPage[] => {
  const truth = JSON.parse(readFileSync(path.join(folder, 'truth.json'), 'utf8')) as Truth
  return Object.entries(truth).map(([file, { lines }]) => ({
    file,
    image: decodeImage(readFileSync(path.join(folder, file))),
    lines,
  }))
}
