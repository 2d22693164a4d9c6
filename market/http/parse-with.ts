import { MusterError, type ErrorCode } from '@muster/protocol'
import type { z } from 'zod'

const found = (value: unknown, path: readonly PropertyKey[]): string => {
  let at: unknown = value
  for (const key of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined
  if (at === undefined) return 'nothing'
  return (JSON.stringify(at) ?? typeof at).slice(0, 120)
}

/** A value as its schema gives it. Throws with every issue at once: path, expected, found. */
export const parseWith = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
  code: ErrorCode = 'request_invalid',
): z.output<Schema> => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.slice(0, 50).map(({ path, message }) => ({
    path: [where, ...path].filter((part) => part !== '').join('.'),
    expected: message,
    found: found(value, path),
  }))
  const [first] = issues
  const more = parsed.error.issues.length > 1 ? ` (and ${parsed.error.issues.length - 1} more)` : ''
  throw new MusterError({
    code,
    message: `Wrong at ${first?.path}: ${first?.expected}, found ${first?.found}${more}.`,
    facts: { issues },
  })
}
