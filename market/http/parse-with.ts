import { MusterError, type ErrorCode } from '@muster/protocol'
import type { z } from 'zod'

const found = (value: unknown, path: readonly PropertyKey[]): string => {
  let at: unknown = value
  for (const key of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined
  if (at === undefined) return 'nothing'
  return (JSON.stringify(at) ?? typeof at).slice(0, 120)
}

/** What was expected, in the words of the schema where it has some. */
const expected = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value) ?? String(value)).join(' or ')
    case 'unrecognized_keys':
      return `no field named ${issue.keys.join(', ')}`
    default:
      return issue.message.replace(/^Invalid input: /, '').replace(/^expected /, '')
  }
}

const shown = 50

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
    path: [where, ...issue.path].filter((part) => part !== '').join('.'),
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
