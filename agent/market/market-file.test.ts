import { MusterError } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseMarketFile, removedMarkets, targetMarkets } from './market-file.ts'

const address = `0x${'aa'.repeat(20)}`

test('whatever stands in the file, it is read or refused with what is wrong', () => {
  const url = fc.oneof(fc.webUrl(), fc.string(), fc.constant('https://a.example+https://b.example/'))
  const likely = fc.record(
    {
      markets: fc.array(fc.record({ url, address: fc.constantFrom(address, '0x1', 7) }, { requiredKeys: ['url'] })),
      left: fc.array(fc.record({ url, isForgotten: fc.oneof(fc.boolean(), fc.anything()) })),
      extra: fc.anything(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(likely, fc.anything()), (value) => {
      const text = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)) ?? 'x'
      try {
        const { markets, left } = parseMarketFile('markets.json', text)
        for (const each of [...markets, ...left]) expect(each.url).toMatch(/^https?:\/\//i)
      } catch (error) {
        expect(error).toBeInstanceOf(MusterError)
      }
    }),
    { numRuns: 500 },
  )
})

test('a market of the options that was removed stays removed, and is named', () => {
  const [a, b] = ['https://a.example', 'https://b.example'] as const
  const given = [`${a}/`, b].map((url) => ({ url, address: null }))
  const file = { markets: [], left: [{ url: a, isForgotten: true }] }
  expect(targetMarkets(given, file)).toEqual([{ url: b, address: null }])
  expect(removedMarkets(given, file)).toEqual([a])
})
