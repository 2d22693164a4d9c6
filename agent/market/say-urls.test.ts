import { expect, test } from 'vitest'
import { sayUrls } from './say-urls.ts'

test.each([
  ['http://a.example', 'http://a.example'],
  ['http://a.example+http://b.example', 'http://a.example and 1 more'],
  ['http://a.example+https://b.example+http://c.example', 'http://a.example and 2 more'],
])('%s is said as %s', (urls, said) => {
  expect(sayUrls(urls)).toBe(said)
})
