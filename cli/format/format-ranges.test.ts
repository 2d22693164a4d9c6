import { expect, test } from 'vitest'
import { formatRanges } from './format-ranges.ts'

test.each([
  [[], 3, ''],
  [[4], 3, '4'],
  [[0, 1, 2, 3], 3, '0–3'],
  [[0, 1, 5, 7, 8, 9], 3, '0, 1, 5, 7–9'],
  [[0, 2, 4, 6, 7, 8], 2, '0, 2, … and 4 more'],
])('%j in at most %i ranges', (numbers, most, said) => {
  expect(formatRanges(numbers, most)).toBe(said)
})
