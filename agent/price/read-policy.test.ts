import { MusterError, type Issue } from '@muster/protocol'
import fc from 'fast-check'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { policySchemaText } from './policy-file.ts'
import { flatPolicy } from './price-policy.ts'
import { sayRatio } from './ratio.ts'
import { parsePolicy, readText } from './read-policy.ts'

const example = await readFile(path.join(import.meta.dirname, 'example-prices.yaml'), 'utf8')
const least = 'apiVersion: muster/v1\nkind: prices\nruntimes: { noop: { task: 0.000001 } }\n'

const issuesOf = (text: string): readonly Issue[] => {
  try {
    parsePolicy('p.yaml', text)
  } catch (error) {
    if (error instanceof MusterError && error.code === 'request_invalid') return error.facts['issues'] as Issue[]
    throw error
  }
  return []
}

describe('a pricing policy', () => {
  test('of the example is in base units', () => {
    const policy = parsePolicy('example-prices.yaml', example)
    expect(policy.timeZone).toBe('Europe/Berlin')
    expect(policy.runtimes.get('graph')).toEqual(
      new Map([
        ['operator', 12n],
        ['hour', 2_000_000n],
      ]),
    )
    expect(policy.resources).toMatchObject({ coreHour: 10_000_000n, diskGibHour: 10_000n, otherGpuHour: 200_000_000n })
    expect(policy.resources.gpuHours.map(({ name }) => name)).toEqual(['H100', 'RTX 4090'])
    expect(policy.utilisation.map(({ sold, factor }) => [sayRatio(sold), sayRatio(factor)])).toEqual([
      ['0', '0.9'],
      ['0.5', '1'],
      ['1', '1.5'],
    ])
    expect(policy.times.map(({ fromMinute, toMinute, days }) => [fromMinute, toMinute, days.size])).toEqual([
      [0, 1440, 2],
      [1320, 360, 7],
    ])
    expect([...policy.markUp.keys()]).toEqual([`0x${'0'.repeat(38)}a1`])
    expect(policy.access.tenants.deny.size).toBe(1)
  })

  test('needs no more than a price, and asks it of everybody at any time', () => {
    expect(parsePolicy('p.yaml', least)).toEqual({
      ...flatPolicy(new Map([['noop', { nanoUsd: 1000n, per: 'task' }]])),
      resources: { coreHour: 0n, memoryGibHour: 0n, diskGibHour: 0n, gpuHours: [], otherGpuHour: null },
      otherMarkUp: { numerator: 1n, denominator: 1n },
    })
  })

  test('may be JSON, and an address needs neither quotes nor small letters', () => {
    const address = '0x00000000000000000000000000000000000000Ab'
    const yaml = parsePolicy('p.yaml', `${least}markUp: { ${address}: 2 }\ndeny: { markets: [${address}] }\n`)
    expect([...yaml.markUp.keys()]).toEqual([address.toLowerCase()])
    expect([...yaml.access.markets.deny]).toEqual([address.toLowerCase()])
    const json = { apiVersion: 'muster/v1', kind: 'prices', runtimes: { noop: { task: '0.000001' } } }
    expect(parsePolicy('p.json', JSON.stringify(json))).toEqual(parsePolicy('p.yaml', least))
  })

  test('names every mistake at once', () => {
    const text = `
apiVersion: muster/v2
kind: prices
timeZone: Mars/Olympus
colour: red
resources: { coreHour: cheap, gpuHour: { H100: -1 } }
runtimes: { graph: {}, docker: { task: 1 }, noop: { second: 1 } }
utilisation:
  - { sold: 120%, factor: 1 }
times:
  - { days: [someday], from: '25:00', to: '06:00', factor: 0.0000001 }
  - { from: '06:00', to: '06:00', factor: 1 }
markUp: { mine: 1, other: 1001 }
minimum: { hour: 1e-10 }
deny: { tenants: [bob] }
`
    const places = issuesOf(text).map(({ path: place }) => place)
    for (const place of [
      'apiVersion',
      'timeZone',
      'colour',
      'resources.coreHour',
      'resources.gpuHour.H100',
      'runtimes.graph',
      'runtimes.docker',
      'runtimes.noop.second',
      'utilisation[0].sold',
      'times[0].days[0]',
      'times[0].from',
      'times[0].factor',
      'times[1].to',
      'markUp.mine',
      'markUp.other',
      'minimum.hour',
      'deny.tenants[0]',
    ])
      expect(places).toContain(place)
  })

  test('refuses a curve that goes back', () => {
    const text = `${least}utilisation: [{ sold: 0.5, factor: 1 }, { sold: 50%, factor: 2 }]`
    expect(issuesOf(text)).toMatchObject([
      { path: 'utilisation', expected: 'shares that grow from each point to the next' },
    ])
  })

  test('that is not YAML is refused with line and column', () => {
    expect(issuesOf('a: [1,\nb: }\n')).toMatchObject([{ path: 'line 2, column 1', expected: 'YAML' }, {}])
    expect(issuesOf('a: 1\na: 2\n')).toHaveLength(1)
    expect(issuesOf('a: *nobody')).toHaveLength(1)
  })

  test('that was a price for each runtime still is', () => {
    const text = '{"graph": {"usd": "0.00005", "per": "task"}, "noop": {"usd": 0.000001, "per": "hour"}}'
    expect(parsePolicy('p.json', text)).toEqual(
      flatPolicy(
        new Map([
          ['graph', { nanoUsd: 50_000n, per: 'task' }],
          ['noop', { nanoUsd: 1_000n, per: 'hour' }],
        ]),
      ),
    )
    expect(() => parsePolicy('p.json', '{"graph": {"usd": "-1", "per": "task"}}')).toThrow(/graph\.usd/)
    expect(() => parsePolicy('p.json', '{}')).toThrow(/expected a price/)
  })

  test('is a policy or an error of its own, whatever the text', () => {
    const lines = fc.array(fc.constantFrom(...example.split('\n'), '- x', '  a: {', '*a', '&a b', '? [', '"'), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          lines.map((all) => all.join('\n')),
        ),
        (text) => {
          try {
            expect(parsePolicy('p.yaml', text).runtimes.size).toBeGreaterThan(0)
          } catch (error) {
            expect(error).toMatchObject({ code: 'request_invalid', facts: { file: 'p.yaml' } })
          }
        },
      ),
    )
  })
})

test('a file that is not there is named', async () => {
  await expect(readText('/nowhere/prices.yaml')).rejects.toMatchObject({
    code: 'request_invalid',
    facts: { file: '/nowhere/prices.yaml' },
  })
})

test('docs/spec/prices.schema.json is the schema of this release; `muster agent price --schema` prints it', async () => {
  const file = path.join(import.meta.dirname, '../../docs/spec/prices.schema.json')
  expect(await readFile(file, 'utf8')).toBe(policySchemaText())
})
