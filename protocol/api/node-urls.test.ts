import fc from 'fast-check'
import { expect, test } from 'vitest'
import { marketUrlSchema, nodeUrls } from './node-urls.ts'

test('a market is reached at one URL, or at one for each of its nodes', () => {
  expect(nodeUrls('http://a:1')).toEqual(['http://a:1'])
  expect(nodeUrls('http://a:1/x+y+https://b')).toEqual(['http://a:1/x+y', 'https://b'])
  expect(marketUrlSchema.parse('http://a:1/+https://b/m/')).toBe('http://a:1+https://b/m')
  for (const wrong of ['', 'a', 'ftp://a', 'http://a+http://', '+http://a'])
    expect(marketUrlSchema.safeParse(wrong).success).toBe(false)
})

test('whatever the URLs, they come back as they were put together', () => {
  fc.assert(
    fc.property(fc.array(fc.webUrl({ withFragments: false }), { minLength: 1, maxLength: 5 }), (urls) => {
      expect(nodeUrls(urls.join('+'))).toEqual(urls)
    }),
  )
})
