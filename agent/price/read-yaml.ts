import { MusterError, type Issue } from '@muster/protocol'
import { LineCounter, parseDocument } from 'yaml'

const isHexadecimal = (tag: unknown): boolean =>
  typeof tag === 'object' && tag !== null && 'format' in tag && tag.format === 'HEX'

/**
 * The value of YAML, of which JSON is a part. `0x…` is text, so that an address needs no quotes. Throws `request_invalid` naming
 * line and column of every mistake.
 */
export const readYaml = (file: string, text: string): unknown => {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    uniqueKeys: true,
    customTags: (tags) => tags.filter((tag) => !isHexadecimal(tag)),
  })
  const issues = document.errors.map(({ pos: [at], message }): Issue => {
    const { line, col } = lineCounter.linePos(at)
    return { path: `line ${line}, column ${col}`, expected: 'YAML', found: message }
  })
  const [first] = issues
  if (first === undefined) return toValue(file, () => document.toJS({ maxAliasCount: 100 }) as unknown)
  throw new MusterError({
    code: 'request_invalid',
    message: `${file} is not YAML: ${first.path}: ${first.found}.`,
    facts: { file, issues },
  })
}

/** Aliases without a name or without end are found only here. */
const toValue = (file: string, read: () => unknown): unknown => {
  try {
    return read()
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause)
    throw new MusterError({
      code: 'request_invalid',
      message: `${file} is not YAML: ${found}.`,
      facts: { file, issues: [{ path: '', expected: 'YAML', found }] },
      cause,
    })
  }
}
