import { parseUsd } from '@muster/protocol'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { defaultPrices, parsePrices } from './read-prices.ts'

test('prices are dollars by unit, for the runtimes that are sold', () => {
  const prices = parsePrices(
    'p.json',
    '{"graph": {"usd": "0.00005", "per": "task"}, "noop": {"usd": 0.000000001, "per": "hour"}}',
  )
  expect([...prices]).toEqual([
    ['graph', { nanoUsd: 50_000n, per: 'task' }],
    ['noop', { nanoUsd: 1n, per: 'hour' }],
  ])
  expect([...parsePrices('p.json', '{"noop": {"usd": "0", "per": "task"}}').keys()]).toEqual(['noop'])
})

test.each([
  ['{', 'not JSON'],
  ['{}', 'expected a price'],
  ['{"graph": {"usd": "-1", "per": "task"}}', 'graph.usd'],
  ['{"graph": {"usd": "1.0000000001", "per": "task"}}', 'graph.usd'],
  ['{"graph": {"usd": "1", "per": "second"}}', 'graph.per'],
  ['{"docker": {"usd": "1", "per": "task"}}', ''],
])('%s is refused with what is wrong', (text, named) => {
  expect(() => parsePrices('p.json', text)).toThrow(
    expect.objectContaining({ code: 'request_invalid', message: expect.stringContaining(named) }),
  )
})

test('what is asked without a file is what the first job of the guides pays', async () => {
  const job = await readFile(new URL('../../examples/first-job/squares.yaml', import.meta.url), 'utf8')
  const [, usd = '', per] = /^maxPrice: ([\d.]+) USD per (\w+)$/m.exec(job) ?? []
  const asked = defaultPrices.get('graph')
  expect(asked?.per).toBe(per)
  expect(asked?.nanoUsd).toBeLessThanOrEqual(parseUsd(usd))
})
