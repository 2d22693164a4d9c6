import type { z } from 'zod'
import { knownFields } from './known-fields.ts'
import { nearestName } from './nearest-name.ts'

/** What is wrong at one place of something written by a person. */
export interface Issue {
  /** `tasks[3].inputs[0].cid`; empty for the whole. */
  readonly path: string
  readonly expected: string
  readonly found: string
}

type ZodIssue = z.core.$ZodIssue

const plainKey = /^[A-Za-z_][\w-]*$/

export const joinPath = (path: readonly PropertyKey[]): string =>
  path
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`
      const text = String(part)
      return plainKey.test(text) ? `.${text}` : `[${JSON.stringify(text)}]`
    })
    .join('')
    .replace(/^\./, '')

/** A value in a few words, for `found`. */
export const describeValue = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (value === null) return 'null'
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return `${value}`
  if (typeof value !== 'object') return `a ${typeof value}`
  const keys = Object.keys(value)
  return keys.length === 0 ? 'an empty map' : `a map of ${keys.slice(0, 5).join(', ')}${keys.length > 5 ? ', …' : ''}`
}

const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown => {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  bigint: 'a whole number',
  null: 'null',
}

const units: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  array: ['item', 'items'],
  set: ['item', 'items'],
  map: ['entry', 'entries'],
}

const sayCount = (count: number | bigint, origin: string): string => {
  const unit = units[origin]
  return unit === undefined ? `${count}` : `${count} ${count === 1 ? unit[0] : unit[1]}`
}

const ownWords = (message: string): string | undefined => /^expected (.+)$/.exec(message)?.[1]

const expectation = (issue: ZodIssue): string => {
  const own = ownWords(issue.message)
  if (own !== undefined) return own
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected
    case 'invalid_value':
      return issue.values.map((value) => (typeof value === 'string' ? value : String(value))).join(' or ')
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${sayCount(issue.minimum, issue.origin)}`
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${sayCount(issue.maximum, issue.origin)}`
    case 'invalid_format':
      return issue.pattern === undefined ? issue.format : `text like ${issue.pattern}`
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    default:
      return issue.message
  }
}

const unknownField = 'no field of this name'
const suggests = `${unknownField}; did you mean `

interface Parsed {
  readonly root: unknown
  readonly schema: z.core.$ZodType | undefined
}

/** What may have been meant by an unknown field: one that is known at this place and not written there. */
const suggestField = (key: string, path: readonly PropertyKey[], { root, schema }: Parsed): string => {
  const here = valueAt(root, path)
  const known = schema === undefined ? [] : knownFields(schema, path)
  const meant = nearestName(
    key,
    known.filter((name) => typeof here !== 'object' || here === null || !Object.hasOwn(here, name)),
  )
  return meant === undefined ? unknownField : `${suggests}\`${meant}\`?`
}

const flatten = (issue: ZodIssue, before: readonly PropertyKey[], parsed: Parsed): Issue[] => {
  const { root } = parsed
  const path = [...before, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: joinPath([...path, key]),
      expected: suggestField(key, path, parsed),
      found: describeValue(valueAt(root, [...path, key])),
    }))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0 && ownWords(issue.message) === undefined) {
    const branches = issue.errors.map((branch) => branch.flatMap((inner) => flatten(inner, path, parsed)))
    const here = joinPath(path)
    if (branches.every(([first, ...more]) => more.length === 0 && first?.path === here)) {
      const expected = [...new Set(branches.map(([first]) => first?.expected ?? ''))].join(' or ')
      return [{ path: here, expected, found: describeValue(valueAt(root, path)) }]
    }
    return branches.reduce((best, branch) => {
      const isOff = (issues: Issue[]) => issues.some((inner) => inner.path === here)
      if (isOff(best) !== isOff(branch)) return isOff(best) ? branch : best
      return branch.length < best.length ? branch : best
    })
  }
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element') {
    return issue.issues.map((inner) => ({
      path: joinPath(path),
      expected: `a name that is ${expectation(inner)}`,
      found: describeValue(path.at(-1)),
    }))
  }
  return [{ path: joinPath(path), expected: expectation(issue), found: describeValue(valueAt(root, path)) }]
}

/**
 * Every issue of a failed parse, each with its place, what belongs there and what was found. `input` is what was parsed; with the
 * `schema` a field that was misspelled comes first and says which may have been meant.
 */
export const explainIssues = (error: z.ZodError, input: unknown, schema?: z.core.$ZodType): Issue[] => {
  const issues = error.issues.flatMap((issue) => flatten(issue, [], { root: input, schema }))
  const isMisspelled = ({ expected }: Issue) => expected.startsWith(suggests)
  return [...issues.filter(isMisspelled), ...issues.filter((issue) => !isMisspelled(issue))]
}

const sayIssue = ({ path, expected, found }: Issue): string => {
  if (expected.startsWith(suggests)) return `unknown field \`${path}\`${expected.slice(unknownField.length)}`
  if (expected === unknownField) return `unknown field \`${path}\``
  return `${path === '' ? 'it' : path} should be ${expected}, found ${found}`
}

/** One sentence over a list of issues. */
export const sayIssues = (what: string, issues: readonly Issue[]): string => {
  const [first] = issues
  if (first === undefined) return `${what} is wrong.`
  const said = sayIssue(first)
  const rest = issues.length > 1 ? `${said.endsWith('?') ? ' And' : ', and'} ${issues.length - 1} more.` : ''
  return `${what} is wrong: ${said}${rest === '' && !said.endsWith('?') ? '.' : rest}`
}
