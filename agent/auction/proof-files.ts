import { toJson, type Log } from '@muster/protocol'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { AuctionProof } from './bids.ts'

/** Proofs of more auctions than this say nothing new. */
const mostProofs = 1_000

export const proofDirectoryOf = (dataDirectory: string): string => path.join(dataDirectory, 'proofs')

const namesIn = async (directory: string): Promise<string[]> => {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith('.json')).toSorted()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** Keeps each proof as a file of JSON; one that cannot be written is logged. The first of an auction and breach stays. */
export const createProofFiles = (directory: string, log: Log): ((proof: AuctionProof) => void) => {
  const keep = async (proof: AuctionProof): Promise<void> => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const names = await namesIn(directory)
    const name = `${proof.auction}.${proof.breach}.json`
    if (names.includes(name) || names.length >= mostProofs) return
    const file = path.join(directory, name)
    await writeFile(`${file}.new`, `${toJson(proof, 2)}\n`, { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  let last: Promise<void> = Promise.resolve()
  return (proof) => {
    last = last
      .then(() => keep(proof))
      .catch((error: unknown) => log.error('a proof could not be kept', { auction: proof.auction, error }))
  }
}

const shownSchema = z.object({ auction: z.string(), breach: z.string(), message: z.string() })

/** A proof as a list shows it. */
export type ShownProof = z.output<typeof shownSchema> & { readonly file: string }

/** The proofs of a directory, oldest auction first; files that are none are left out. */
export const readProofs = async (directory: string): Promise<ShownProof[]> => {
  const shown: ShownProof[] = []
  for (const name of await namesIn(directory)) {
    const file = path.join(directory, name)
    try {
      shown.push({ ...shownSchema.parse(JSON.parse(await readFile(file, 'utf8'))), file })
    } catch {
      continue
    }
  }
  return shown
}
