import { cidOf, decodeCanonical, encodeCanonical, MusterError, parseCid, type Cid, type Digest } from '@muster/protocol'
import { isDtype } from '../tensor/dtype.ts'
import { maxRank } from '../tensor/tensor-layout.ts'
import type { Dim, ValueDeclaration } from './declaration.ts'
import { maxValues } from './declare-value.ts'

/** The record that is a program: its canonical bytes are stored as a blob, and their CID is the program's id. */
export interface ProgramManifest {
  readonly kind: 'program'
  readonly version: 1
  /** Blob of the ONNX file, exactly as published. */
  readonly model: Cid
  readonly modelBytes: number
  readonly execSpec: Digest
  readonly operators: number
  readonly inputs: readonly ValueDeclaration[]
  readonly outputs: readonly ValueDeclaration[]
}

export const encodeManifest = (manifest: ProgramManifest): Uint8Array => encodeCanonical(manifest)

/** The program's id. */
export const programId = (manifestBytes: Uint8Array): Cid => cidOf(manifestBytes)

const refuse = (path: string, expected: string, found: unknown): MusterError =>
  new MusterError({
    code: 'program_refused',
    message: `This is not the manifest of a program: ${path} should be ${expected}.`,
    facts: { path, expected, found: typeof found === 'object' ? null : found },
  })

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (path: string, value: unknown, names: readonly string[]): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(path, 'a map', value)
  const found = Object.keys(value).toSorted().join(', ')
  if (found !== names.toSorted().join(', ')) throw refuse(path, `a map of ${names.join(', ')}`, found)
  return value as Fields
}

const text = (path: string, value: unknown, pattern: RegExp, expected: string): string => {
  if (typeof value !== 'string' || !pattern.test(value)) throw refuse(path, expected, value)
  return value
}

const whole = (path: string, value: unknown): number => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw refuse(path, 'a whole number', value)
  return value
}

const parseDim = (path: string, value: unknown): Dim => (typeof value === 'string' ? value : whole(path, value))

const parseDeclarations = (path: string, value: unknown): ValueDeclaration[] => {
  if (!Array.isArray(value) || value.length > maxValues) throw refuse(path, `a list of at most ${maxValues}`, value)
  return value.map((item: unknown, index) => {
    const at = `${path}[${index}]`
    const { name, dtype, dims } = fieldsOf(at, item, ['name', 'dtype', 'dims'])
    const type = text(`${at}.dtype`, dtype, /./, 'an element type')
    if (!isDtype(type)) throw refuse(`${at}.dtype`, 'an element type', type)
    if (dims !== null && (!Array.isArray(dims) || dims.length > maxRank)) {
      throw refuse(`${at}.dims`, `a list of at most ${maxRank} or null`, dims)
    }
    return {
      name: text(`${at}.name`, name, /^[^]{1,256}$/, 'a name of 1 to 256 characters'),
      dtype: type,
      dims: dims === null ? null : dims.map((dim: unknown, axis) => parseDim(`${at}.dims[${axis}]`, dim)),
    }
  })
}

const names = ['kind', 'version', 'model', 'modelBytes', 'execSpec', 'operators', 'inputs', 'outputs'] as const

/** Reads a manifest's canonical bytes. Throws `record_invalid` or `program_refused`. */
export const decodeManifest = (bytes: Uint8Array): ProgramManifest => {
  const fields = fieldsOf('manifest', decodeCanonical(bytes), names)
  if (fields['kind'] !== 'program') throw refuse('kind', '"program"', fields['kind'])
  if (fields['version'] !== 1) throw refuse('version', '1', fields['version'])
  const manifest: ProgramManifest = {
    kind: 'program',
    version: 1,
    model: parseCid(text('model', fields['model'], /./, 'a CID')),
    modelBytes: whole('modelBytes', fields['modelBytes']),
    execSpec: text('execSpec', fields['execSpec'], /^0x[0-9a-f]{64}$/, 'a digest') as Digest,
    operators: whole('operators', fields['operators']),
    inputs: parseDeclarations('inputs', fields['inputs']),
    outputs: parseDeclarations('outputs', fields['outputs']),
  }
  const canonical = encodeManifest(manifest)
  if (canonical.length !== bytes.length || canonical.some((byte, index) => byte !== bytes[index])) {
    throw refuse('manifest', 'in canonical form', 'another form')
  }
  return manifest
}
