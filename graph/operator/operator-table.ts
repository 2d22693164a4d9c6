import { digestOf, type Digest } from '@muster/protocol'
import table from '../generated/operators.json' with { type: 'json' }
import { isDtype, type Dtype } from '../tensor/dtype.ts'

/** Element types that each type parameter of an operator may take together. */
export type TypeChoice = ReadonlyMap<string, ReadonlySet<Dtype>>

/** An operator as one version of ONNX's operator set defines it, cut down to what the pinned engine computes. */
export interface OperatorVersion {
  readonly since: number
  /** Type parameter (`T`) or element type (`int64`) of each input; the last repeats where `variadic`. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly required: number
  readonly variadic: boolean
  readonly variadicOutput: boolean
  /** Empty where the engine has no kernel for this version. */
  readonly choices: readonly TypeChoice[]
}

interface WrittenVersion {
  readonly since: number
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly required: number
  readonly variadic?: string
  readonly variadicOutput?: boolean
  readonly choices: readonly Readonly<Record<string, string>>[]
}

const written: Readonly<Record<string, readonly WrittenVersion[]>> = table.operators

const parseTypes = (text: string): ReadonlySet<Dtype> => new Set(text.split(' ').filter(isDtype))

const parseVersion = (version: WrittenVersion): OperatorVersion => ({
  since: version.since,
  inputs: version.inputs,
  outputs: version.outputs,
  required: version.required,
  variadic: version.variadic !== undefined,
  variadicOutput: version.variadicOutput === true,
  choices: version.choices.map(
    (choice) => new Map(Object.entries(choice).map(([name, text]) => [name, parseTypes(text)])),
  ),
})

const parsed = new Map<string, readonly OperatorVersion[]>()

/** Newest version of ONNX's operator set that the pinned engine runs. */
export const maxOpset = table.maxOpset

/** Names of all operators a program may use, in alphabetical order. */
export const operatorNames: readonly string[] = Object.keys(written)

/** The version of an operator that a model of this operator set means, or undefined where it is not on the list. */
export const findOperator = (name: string, opset: number): OperatorVersion | undefined => {
  if (!Object.hasOwn(written, name)) return undefined
  const versions = parsed.get(name) ?? (written[name] ?? []).map(parseVersion)
  parsed.set(name, versions)
  return versions.findLast((version) => version.since <= opset)
}

/** Digest of the whole table: the whitelist's version in the exec spec. */
export const operatorTableDigest = (): Digest => digestOf(table)
