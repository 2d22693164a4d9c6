import type { z } from 'zod'
import { MusterError } from '../error/muster-error.ts'
import { explainIssues } from '../issue/explain-issues.ts'
import { nearestName } from '../issue/nearest-name.ts'
import { flagOf } from './say-options.ts'

export interface WrongCall {
  /** What the person called, such as `muster agent proofs`. */
  readonly program: string
  /** The options it has, without their dashes. */
  readonly flags?: readonly string[]
  /** What was written, where it was the options that were wrong. */
  readonly written?: unknown
}

const isZodError = (error: unknown): error is z.ZodError =>
  error instanceof Error && 'issues' in error && Array.isArray(error.issues)

/** Without what the parser adds for programmers, and with a full stop. */
const plainly = (message: string): string => {
  const [first = ''] = message.split(/\n|\. (?:This command does not|To specify a positional)/)
  return `${first.replace(/\.$/, '')}.`
}

/** What may stand in no log. */
const isSecret = (flag: string): boolean => /(?:key|secret|database-url)$/.test(flag)

const optionSentences = (error: z.ZodError, written: unknown): string[] => {
  const ownSentences = new Set(
    error.issues.flatMap(({ code, message }) =>
      code === 'custom' && !message.startsWith('expected ') ? [message] : [],
    ),
  )
  return explainIssues(error, written).map(({ path, expected, found }) => {
    const flag = flagOf(path)
    if (ownSentences.has(expected)) return `--${flag}: ${expected}.`
    return `--${flag}: expected ${expected}${isSecret(flag) ? '' : `, found ${found}`}.`
  })
}

const sentences = (error: unknown, { flags = [], written }: WrongCall): string[] => {
  if (isZodError(error)) return optionSentences(error, written)
  const said = plainly(error instanceof Error ? error.message : String(error))
  const unknown = /^Unknown option '--([^'=]+)/.exec(said)?.[1]
  const near = unknown === undefined ? undefined : nearestName(unknown, flags)
  return [near === undefined ? said : `${said} Did you mean --${near}?`]
}

const sayFact = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** What was wrong with how a program was called, for a person; every program of Muster says it in this form. */
export const sayWrongCall = (error: unknown, call: WrongCall): string => {
  const known = error instanceof MusterError ? error : undefined
  const head = sentences(error, call)
    .map((sentence) => `✗ ${sentence}\n`)
    .join('')
  if (known !== undefined && known.code !== 'request_invalid') return head
  const facts = [
    ...Object.entries(known?.facts ?? {}).map(([name, value]) => [name, sayFact(value)] as const),
    ['code', 'request_invalid'],
    ['fault', 'yours'],
    ['do', `\`${call.program} --help\` says what there is.`],
  ] as const
  const width = Math.max(...facts.map(([name]) => name.length))
  return `${head}\n${facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('')}`
}
