import { MusterError, type ErrorCode } from '@muster/protocol'
import type { z } from 'zod'

const maxFound = 120
const previewed = 8

/** The beginning of a value as JSON: a whole body is never written out to show what is wrong with it. */
const preview = (value: unknown, depth = 3): string => {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, maxFound))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? typeof value
  const parts: string[] = []
  if (depth === 0) return '…'
  if (Array.isArray(value)) {
    for (const item of value.slice(0, previewed)) parts.push(preview(item, depth - 1))
    return `[${parts.join(',')}${value.length > previewed ? ',…' : ''}]`
  }
  for (const key in value) {
    if (parts.length === previewed) {
      parts.push('…')
      break
    }
    parts.push(`${preview(key)}:${preview(Reflect.get(value, key), depth - 1)}`)
  }
  return `{${parts.join(',')}}`
}

const found = (value: unknown, path: readonly PropertyKey[]): string => {
  let at: unknown = value
  for (const key of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined
  if (at === undefined) return 'nothing'
  return preview(at).slice(0, maxFound)
}

/** What was expected, in the words of the schema where it has some. */
const expected = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value) ?? String(value)).join(' or ')
    case 'unrecognized_keys':
      return `no field named ${issue.keys.slice(0, previewed).join(', ').slice(0, maxFound)}`
    default:
      return issue.message.replace(/^Invalid input: /, '').replace(/^expected /, '')
  }
}

const shown = 50
const maxPath = 200

/** A value as its schema gives it. Throws with every issue at once: path, expected, found. */
export const parseWith = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
  code: ErrorCode = 'request_invalid',
): z.output<Schema> => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { issues: all } = parsed.error
  const issues = all.slice(0, shown).map((issue) => ({
    path: [where, ...issue.path]
      .filter((part) => part !== '')
      .join('.')
      .slice(0, maxPath),
    expected: expected(issue),
    found: found(value, issue.path),
  }))
  const [first] = issues
  const more = all.length > 1 ? ` (and ${all.length - 1} more)` : ''
  const at = first === undefined || first.path === '' ? 'the body' : first.path
  throw new MusterError({
    code,
    message: `Wrong at ${at}: expected ${first?.expected}, found ${first?.found}${more}. Nothing was charged.`,
    facts: { issues },
  })
}
