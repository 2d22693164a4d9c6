import fc from 'fast-check'
import type { z } from 'zod'
import { toHex } from '../digest/hex.ts'

interface Check {
  readonly check: string
  readonly value?: number
  readonly inclusive?: boolean
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: RegExp
}

interface Definition {
  readonly type: string
  /** Of numbers that are whole. */
  readonly format?: string
  readonly checks?: readonly { readonly _zod: { readonly def: Check } }[]
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly options?: readonly z.ZodType[]
  readonly entries?: Readonly<Record<string, string>>
  readonly values?: readonly unknown[]
  readonly element?: z.ZodType
  readonly keyType?: z.ZodType
  readonly valueType?: z.ZodType
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly out?: z.ZodType
}

const definitionOf = (schema: z.ZodType): Definition => schema._zod.def as unknown as Definition

const isTransform = (schema: z.ZodType | undefined): boolean =>
  schema !== undefined && definitionOf(schema).type === 'transform'

const required = (schema: z.ZodType | undefined): z.ZodType => {
  if (schema === undefined) throw new TypeError('this schema lacks a part')
  return schema
}

const text = (checks: readonly Check[]): fc.Arbitrary<string> => {
  const pattern = checks.find((check) => check.pattern !== undefined)?.pattern
  const digits = /^\^0x\[0-9a-f\]\{(\d+)\}\$$/.exec(pattern?.source ?? '')?.[1]
  if (digits !== undefined) {
    const length = Number(digits) / 2
    return fc.uint8Array({ minLength: length, maxLength: length }).map(toHex)
  }
  if (pattern !== undefined) return fc.stringMatching(pattern)
  const minLength = checks.find(({ minimum }) => minimum !== undefined)?.minimum ?? 0
  const maxLength = checks.find(({ maximum }) => maximum !== undefined)?.maximum ?? 40
  return fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, minLength + 20) })
}

const integer = (checks: readonly Check[]): fc.Arbitrary<number> => {
  const bounds = (name: string) => checks.filter(({ check }) => check === name)
  const min = Math.max(
    ...bounds('greater_than').map(({ value = 0, inclusive }) => (inclusive === true ? value : value + 1)),
    -(2 ** 53) + 1,
  )
  const max = Math.min(
    ...bounds('less_than').map(({ value = 0, inclusive }) => (inclusive === true ? value : value - 1)),
    2 ** 53 - 1,
  )
  return fc.oneof(fc.integer({ min, max: Math.min(max, min + 1000) }), fc.integer({ min, max }), fc.constant(max))
}

const isWhole = ({ format }: Definition, checks: readonly Check[]): boolean =>
  format !== undefined || checks.some(({ check }) => check === 'number_format')

const decimal = (checks: readonly Check[]): fc.Arbitrary<number> => {
  const bounds = (name: string) => checks.flatMap(({ check, value }) => (check === name ? [value ?? 0] : []))
  const [min, max] = [Math.max(...bounds('greater_than'), -1e300), Math.min(...bounds('less_than'), 1e300)]
  return fc.double({ min, max, noNaN: true })
}

const list = <Item>(item: fc.Arbitrary<Item>, checks: readonly Check[]): fc.Arbitrary<Item[]> => {
  const minLength = checks.find(({ minimum }) => minimum !== undefined)?.minimum ?? 0
  const maxLength = checks.find(({ maximum }) => maximum !== undefined)?.maximum ?? 3
  return fc.array(item, { minLength, maxLength: Math.min(maxLength, minLength + 3) })
}

const object = (shape: Readonly<Record<string, z.ZodType>>): fc.Arbitrary<unknown> => {
  const keys = Object.keys(shape)
  const optional = (key: string) => ['optional', 'default'].includes(definitionOf(required(shape[key])).type)
  const model = Object.fromEntries(keys.map((key) => [key, arbitraryOf(required(shape[key]))]))
  return fc.record(model, { requiredKeys: keys.filter((key) => !optional(key)), noNullPrototype: true })
}

const build = (schema: z.ZodType): fc.Arbitrary<unknown> => {
  const definition = definitionOf(schema)
  const checks = (definition.checks ?? []).map((check) => check._zod.def)
  switch (definition.type) {
    case 'object':
      return object(definition.shape ?? {})
    case 'union':
      return fc.oneof(...(definition.options ?? []).map(arbitraryOf))
    case 'array':
      return list(arbitraryOf(required(definition.element)), checks)
    case 'record':
      return fc.dictionary(
        arbitraryOf(required(definition.keyType)) as fc.Arbitrary<string>,
        arbitraryOf(required(definition.valueType)),
        { maxKeys: 3, noNullPrototype: true },
      )
    case 'string':
      return text(checks)
    case 'number':
      return isWhole(definition, checks) ? integer(checks) : decimal(checks)
    case 'bigint':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'boolean':
      return fc.boolean()
    case 'literal':
      return fc.constantFrom(...(definition.values ?? []))
    case 'enum':
      return fc.constantFrom(...Object.values(definition.entries ?? {}))
    case 'nullable':
      return fc.option(arbitraryOf(required(definition.innerType)), { nil: null })
    case 'optional':
    case 'default':
      return arbitraryOf(required(definition.innerType))
    case 'pipe':
      return arbitraryOf(required(isTransform(definition.in) ? definition.out : definition.in))
    case 'unknown':
      return fc.constantFrom(null, 'text', 7, true)
    case 'custom':
      return fc.uint8Array({ maxLength: 8 })
    default:
      throw new TypeError(`no arbitrary for a schema of type ${definition.type}`)
  }
}

/** Inputs that the schema accepts: what a test needs to know of a record is read from its schema, so that no field is forgotten. */
export const arbitraryOf = (schema: z.ZodType): fc.Arbitrary<unknown> => {
  const hasRule = (definitionOf(schema).checks ?? []).some((check) => check._zod.def.check === 'custom')
  return hasRule ? build(schema).filter((value) => schema.safeParse(value).success) : build(schema)
}

/** Outputs of the schema: parsed inputs, complete with what it adds. */
export const outputsOf = <Schema extends z.ZodType>(schema: Schema): fc.Arbitrary<z.output<Schema>> =>
  arbitraryOf(schema)
    .map((input) => schema.safeParse(input))
    .filter(({ success }) => success)
    .map(({ data }) => data as z.output<Schema>)
