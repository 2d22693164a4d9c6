import { openAsBlob } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import {
  encodeTensor,
  isCid,
  MusterError,
  readTensorHeader,
  type BlobSource,
  type Cid,
  type Issue,
  type TensorHeader,
} from '@muster/sdk'
import { cidOfSource } from '@muster/sdk'
import { fromValues } from '../tensor/from-values.ts'
import { isNpy, readNpy } from '../tensor/npy.ts'
import type { InputSource } from './job-file.ts'

/** An input found and understood: where it is stored already, only its CID; else what is to be stored. */
export interface ReadInput {
  readonly cid: Cid
  readonly source?: BlobSource
  readonly header?: TensorHeader
}

const headBytes = 72
const tensorMagic = 'MTN1'
const formats = 'a .tensor or .npy file, or dtype and dims beside a raw one'

const readHead = async (file: string): Promise<Uint8Array> => {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    return new Uint8Array(buffer.subarray(0, bytesRead))
  } finally {
    await handle.close()
  }
}

const stored = async (source: BlobSource, header: TensorHeader): Promise<ReadInput> => ({
  cid: await cidOfSource(source),
  source,
  header,
})

const readFileInput = async (file: string, given: Extract<InputSource, { file: string }>): Promise<ReadInput> => {
  const { size } = await stat(file)
  const head = await readHead(file)
  if (given.dtype !== undefined && given.dims !== undefined) {
    const { dtype, dims } = given
    return stored(encodeTensor({ dtype, dims, data: await readFile(file) }), { dtype, dims })
  }
  if (Buffer.from(head.subarray(0, 4)).toString('latin1') === tensorMagic) {
    return stored(await openAsBlob(file), readTensorHeader(head, size))
  }
  if (isNpy(head)) {
    const tensor = readNpy(new Uint8Array(await readFile(file)))
    return stored(encodeTensor(tensor), tensor)
  }
  throw new MusterError({
    code: 'tensor_invalid',
    message: 'This file does not say what its elements are.',
    facts: { expected: formats, found: `${path.basename(file)} of ${size} bytes` },
  })
}

const readValues = (given: Extract<InputSource, { values: number[] }>): Promise<ReadInput> => {
  const { dtype, values, dims = [values.length] } = given
  const isWhole = !dtype.startsWith('float')
  const odd = isWhole ? values.find((value) => !Number.isSafeInteger(value)) : undefined
  if (odd !== undefined) {
    const facts = { expected: `whole numbers for ${dtype}`, found: String(odd) }
    throw new MusterError({ code: 'tensor_invalid', message: 'An element is not of the type.', facts })
  }
  return stored(encodeTensor(fromValues(dtype, values, dims)), { dtype, dims })
}

const asIssue = (where: string, error: unknown): Issue => {
  if (error instanceof MusterError) {
    const { path: inside, expected, found } = error.facts
    const at = typeof inside === 'string' ? `${where}.${inside}` : where
    return { path: at, expected: String(expected ?? 'a tensor'), found: String(found ?? error.message) }
  }
  if (error instanceof Error && 'code' in error && 'path' in error) {
    const why = error.code === 'ENOENT' ? 'no such file' : String(error.code)
    return { path: where, expected: 'a file that can be read', found: `${why}: ${String(error.path)}` }
  }
  throw error
}

/** Reads one input of a job file; paths are relative to `directory`. Gives an issue where it cannot be used. */
export const readInput = async (given: InputSource, where: string, directory: string): Promise<ReadInput | Issue> => {
  try {
    if (typeof given === 'string') {
      if (isCid(given)) return { cid: given }
      return await readFileInput(path.resolve(directory, given), { file: given })
    }
    if ('file' in given) return await readFileInput(path.resolve(directory, given.file), given)
    return await readValues(given)
  } catch (error) {
    return asIssue(where, error)
  }
}
