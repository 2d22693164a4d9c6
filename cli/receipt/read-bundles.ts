import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { MusterError, transcriptBundleSchema, type TranscriptBundle } from '@muster/sdk'

/** A receipt as it was read, unchecked, with the file it was in. */
interface ReadBundle {
  readonly file: string
  readonly value: unknown
}

export interface ReadBundles {
  readonly bundles: readonly ReadBundle[]
  /** Manifests of programs found beside the receipts. */
  readonly programs: readonly Uint8Array[]
  /** Transcripts of sealed auctions found beside them, by auction. */
  readonly transcripts: ReadonlyMap<string, TranscriptBundle>
}

export const programSuffix = '.program'
export const transcriptSuffix = '.transcript.json'

const readOne = async (file: string): Promise<ReadBundle[]> => {
  const text = await readFile(file, 'utf8')
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.map((item: unknown) => ({ file, value: item })) : [{ file, value }]
  } catch {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    return lines.map((line) => {
      try {
        return { file, value: JSON.parse(line) as unknown }
      } catch {
        return { file, value: undefined }
      }
    })
  }
}

const filesOf = async (given: string): Promise<string[]> => {
  if (!(await stat(given)).isDirectory()) return [given]
  const names = await readdir(given, { recursive: true })
  return names
    .filter((name) => name.endsWith('.json') || name.endsWith(programSuffix))
    .toSorted()
    .map((name) => path.join(given, name))
}

/** Reads receipts out of files (one, a list, or one a line) and folders of them. Throws `not_found` where there are none. */
export const readBundles = async (paths: readonly string[]): Promise<ReadBundles> => {
  const bundles: ReadBundle[] = []
  const programs: Uint8Array[] = []
  const transcripts = new Map<string, TranscriptBundle>()
  for (const given of paths) {
    for (const file of await filesOf(given)) {
      if (file.endsWith(programSuffix)) programs.push(new Uint8Array(await readFile(file)))
      else if (file.endsWith(transcriptSuffix)) {
        for (const { value } of await readOne(file)) {
          const parsed = transcriptBundleSchema.safeParse(value)
          if (parsed.success) transcripts.set(parsed.data.transcript.record.auction, parsed.data)
        }
      } else bundles.push(...(await readOne(file)))
    }
  }
  if (bundles.length > 0) return { bundles, programs, transcripts }
  throw new MusterError({
    code: 'not_found',
    message: 'There are no receipts here.',
    facts: { looked: paths.join(', ') },
  })
}
