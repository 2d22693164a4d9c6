import { readFile } from 'node:fs/promises'
import path from 'node:path'
import {
  isCid,
  MusterError,
  prepareProgram,
  sayRefusal,
  type Cid,
  type Issue,
  type ProgramManifest,
  type Refusal,
} from '@muster/sdk'

/** A program that a job names: made of a file here, or stored already. */
export interface ReadProgram {
  readonly id: Cid
  /** Unknown where it is stored and no market could be asked. */
  readonly manifest: ProgramManifest | undefined
  /** What is to be stored; nothing where it is. */
  readonly blobs: readonly Uint8Array[]
}

export type FindProgram = (program: Cid) => Promise<ProgramManifest | undefined>

const refusedBecause = (error: MusterError): string => {
  const [first] = Array.isArray(error.facts['refusals']) ? (error.facts['refusals'] as Refusal[]) : []
  const count = typeof error.facts['count'] === 'number' ? error.facts['count'] : 1
  return `${count} refusal${count === 1 ? '' : 's'}; the first: ${first === undefined ? error.message : sayRefusal(first)}`
}

/** Reads the `program` of a job file; a path is relative to `directory`. Gives an issue where it cannot be used. */
export const readProgram = async (
  given: string,
  directory: string,
  find: FindProgram,
): Promise<ReadProgram | Issue> => {
  if (isCid(given)) return { id: given, manifest: await find(given), blobs: [] }
  try {
    const { id, manifest, manifestBytes, modelBytes } = prepareProgram(
      new Uint8Array(await readFile(path.resolve(directory, given))),
    )
    return { id, manifest, blobs: [modelBytes, manifestBytes] }
  } catch (error) {
    if (error instanceof MusterError) {
      return { path: 'program', expected: 'a model that can be a program', found: refusedBecause(error) }
    }
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { path: 'program', expected: 'an .onnx file or a CID (bafkrei…)', found: `no such file: ${given}` }
    }
    throw error
  }
}
