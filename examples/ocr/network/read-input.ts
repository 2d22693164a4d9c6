import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { decodeImage } from '../image/decode-image.ts'
import type { GrayImage } from '../image/gray-image.ts'
import { readShippedPages } from '../page/read-shipped-pages.ts'

export type InputPage = {
  readonly file: string
  readonly image: GrayImage
  /** What is known to be printed on it. */
  readonly lines: readonly string[] | undefined
}

const isImage = (name: string): boolean => /\.(png|jpe?g)$/i.test(name)
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const filesOf = async (input: string): Promise<string[]> => {
  const found = await stat(input).catch((cause: unknown) => {
    throw new Error(`There is nothing to read at ${input}.`, { cause })
  })
  if (!found.isDirectory()) return [input]
  const names = (await readdir(input)).filter(isImage).toSorted()
  if (names.length === 0) throw new Error(`There is no PNG or JPEG image in ${input}.`)
  return names.map((name) => path.join(input, name))
}

/** The shipped pages, or the image or folder of images a user names. Throws one error that names every file that cannot be read. */
export const readInput = async (input: string | undefined): Promise<readonly InputPage[]> => {
  if (input === undefined) return readShippedPages()
  const pages: InputPage[] = []
  const refusals: string[] = []
  for (const file of await filesOf(input)) {
    try {
      pages.push({ file: path.basename(file), image: decodeImage(await readFile(file)), lines: undefined })
    } catch (error) {
      refusals.push(`${file}: ${messageOf(error)}`)
    }
  }
  if (refusals.length > 0) throw new Error(refusals.join('\n'))
  return pages
}
