import { parseArgs } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { MusterError } from '../error/muster-error.ts'
import { sayWrongCall } from './say-wrong-call.ts'

const flags = ['port', 'data-directory', 'idle-only', 'admin-key']
const options = Object.fromEntries(
  flags.map((flag) => [flag, { type: flag === 'idle-only' ? ('boolean' as const) : ('string' as const) }]),
)
const schema = z
  .strictObject({
    port: z.coerce.number().int().max(65_535).optional(),
    dataDirectory: z.string().optional(),
    adminKey: z.string().min(16).optional(),
    natsUrl: z.string().optional(),
  })
  .refine(({ natsUrl, dataDirectory }) => natsUrl === undefined || dataDirectory !== undefined, {
    path: ['dataDirectory'],
    message: 'several nodes share one',
  })

const thrown = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
const first = (text: string): string | undefined => text.split('\n')[0]

test.each([
  [['--prot', '1'], "✗ Unknown option '--prot'. Did you mean --port?"],
  [['--data-dir=x'], "✗ Unknown option '--data-dir'. Did you mean --data-directory?"],
  [['--frobnicate'], "✗ Unknown option '--frobnicate'."],
  [['frobnicate'], "✗ Unexpected argument 'frobnicate'."],
  [['--port'], "✗ Option '--port <value>' argument missing."],
  [['--port', '--idle-only'], "✗ Option '--port' argument is ambiguous."],
  [['--idle-only=3'], "✗ Option '--idle-only' does not take an argument."],
])('%j: %s', (args, sentence) => {
  const text = sayWrongCall(
    thrown(() => parseArgs({ args, options })),
    { program: 'muster market', flags },
  )
  expect(first(text)).toBe(sentence)
  expect(text).toContain('  do     `muster market --help` says what there is.\n')
})

test.each([
  [{ port: 'abc' }, '✗ --port: expected a number, found "abc".'],
  [{ port: '70000' }, '✗ --port: expected at most 65535, found "70000".'],
  [{ adminKey: 'short' }, '✗ --admin-key: expected at least 16 characters.'],
  [{ natsUrl: 'x' }, '✗ --data-directory: several nodes share one.'],
])('of options that are wrong says what belongs there, and no secret: %j', (written, sentence) => {
  const text = sayWrongCall(
    thrown(() => schema.parse(written)),
    { program: 'muster market', written },
  )
  expect(first(text)).toBe(sentence)
})

test('of an error of Muster says the facts; one that is no wrong call is only said', () => {
  const wrong = new MusterError({ code: 'request_invalid', message: 'No such verb.', facts: { found: ['a', 'b'] } })
  expect(sayWrongCall(wrong, { program: 'muster agent market' })).toBe(
    '✗ No such verb.\n\n  found  ["a","b"]\n  code   request_invalid\n  fault  yours\n  do     `muster agent market --help` says what there is.\n',
  )
  const gone = new MusterError({ code: 'unavailable', message: 'The market is gone.' })
  expect(sayWrongCall(gone, { program: 'muster agent market' })).toBe('✗ The market is gone.\n')
})
