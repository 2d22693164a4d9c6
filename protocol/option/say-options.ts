import type { z } from 'zod'

/** `dataDirectory` → `data-directory`: an option as a flag is written, without its dashes. */
export const flagOf = (option: string): string => option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `MUSTER_MARKET`, `dataDirectory` → `MUSTER_MARKET_DATA_DIRECTORY`: an option in the environment. */
export const variableOf = (prefix: string, option: string): string =>
  `${prefix}_${flagOf(option).replaceAll('-', '_').toUpperCase()}`

interface Option {
  /** The schema within its defaults. */
  readonly inner: z.core.$ZodType
  readonly fallback: unknown
}

const unwrap = (schema: z.core.$ZodType): Option => {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'default':
    case 'prefault': {
      const { inner, fallback } = unwrap(def.innerType)
      return { inner, fallback: fallback ?? def.defaultValue }
    }
    case 'optional':
    case 'nullable':
      return unwrap(def.innerType)
    default:
      return { inner: schema, fallback: undefined }
  }
}

const isBoolean = (schema: z.core.$ZodType): boolean => {
  const { def } = (schema as z.core.$ZodTypes)._zod
  return def.type === 'boolean' || (def.type === 'union' && def.options.some(isBoolean))
}

const placeholderOf = (schema: z.core.$ZodType): string => {
  if (isBoolean(schema)) return ''
  const { def } = (schema as z.core.$ZodTypes)._zod
  return def.type === 'enum' ? ` ${Object.values(def.entries).join('|')}` : ' VALUE'
}

const sayDefault = (value: unknown): string => {
  const text = Array.isArray(value) ? value.join(',') : String(value ?? '')
  return text === '' || value === false || typeof value === 'function' || text === '[object Object]'
    ? ''
    : ` Default ${text}.`
}

const lineWidth = 100
const indent = '      '

const wrap = (text: string): string => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > lineWidth) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line].join('\n')
}

/**
 * The options of a program for a person: each with its flag, its variable, the `description` of its metadata, and its default.
 * `prefix` begins the variables.
 */
export const sayOptions = (shape: Readonly<Record<string, z.ZodType>>, prefix: string): string =>
  Object.entries(shape)
    .map(([name, schema]) => {
      const { inner, fallback } = unwrap(schema)
      const head = `  --${flagOf(name)}${placeholderOf(inner)}`.padEnd(38)
      const meaning = `${schema.meta()?.description ?? ''}${sayDefault(fallback)}`.trim()
      return `${head}${variableOf(prefix, name)}\n${meaning === '' ? '' : `${wrap(meaning)}\n`}`
    })
    .join('')
