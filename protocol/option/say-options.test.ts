import { expect, test } from 'vitest'
import { z } from 'zod'
import { flagOf, sayOptions, variableOf } from './say-options.ts'

test('an option has a flag and a variable', () => {
  expect(flagOf('maxBlobBytes')).toBe('max-blob-bytes')
  expect(variableOf('MUSTER_MARKET', 'maxBlobBytes')).toBe('MUSTER_MARKET_MAX_BLOB_BYTES')
})

test('options are said with flag, variable, meaning and default', () => {
  const { shape } = z.strictObject({
    dataDirectory: z.string().default('.muster').meta({ description: 'Where it lives.' }),
    port: z.coerce.number().int().min(0).default(7600).meta({ description: 'Where it listens.' }),
    usd: z
      .string()
      .transform((text) => BigInt(text))
      .prefault('0.01')
      .meta({ description: 'What it costs.' }),
    level: z.enum(['low', 'high']).default('low'),
    idleOnly: z
      .union([z.boolean(), z.enum(['true', 'false'])])
      .default(false)
      .meta({ description: 'Or always.' }),
    file: z.string().nullable().default(null).meta({ description: 'A file.' }),
    urls: z.array(z.string()).default(['a', 'b']),
    pairs: z.record(z.string(), z.string()).default({}),
    secret: z.string().optional(),
  })
  expect(sayOptions(shape, 'X')).toBe(
    [
      '  --data-directory VALUE              X_DATA_DIRECTORY',
      '      Where it lives. Default .muster.',
      '  --port VALUE                        X_PORT',
      '      Where it listens. Default 7600.',
      '  --usd VALUE                         X_USD',
      '      What it costs. Default 0.01.',
      '  --level low|high                    X_LEVEL',
      '      Default low.',
      '  --idle-only                         X_IDLE_ONLY',
      '      Or always.',
      '  --file VALUE                        X_FILE',
      '      A file.',
      '  --urls VALUE                        X_URLS',
      '      Default a,b.',
      '  --pairs VALUE                       X_PAIRS',
      '  --secret VALUE                      X_SECRET',
      '',
    ].join('\n'),
  )
})

test('a long meaning is wrapped at its words', () => {
  const description = 'word '.repeat(60).trim()
  const said = sayOptions({ name: z.string().meta({ description }) }, 'X')
  const lines = said.trimEnd().split('\n').slice(1)
  expect(lines.length).toBeGreaterThan(2)
  for (const line of lines) expect(line).toMatch(/^ {6}word( word)*$/)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100)
  expect(lines.join(' ').match(/word/g)).toHaveLength(60)
})
