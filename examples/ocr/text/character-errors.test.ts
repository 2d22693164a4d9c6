import { expect, test } from 'vitest'
import { assembleRows } from './assemble-rows.ts'
import { characterErrors, errorRate } from './character-errors.ts'

test('line breaks count, how wide a gap was does not', () => {
  expect(characterErrors(['one  two ', 'three'], ['one two', 'three'])).toEqual({ errors: 0, characters: 13 })
  expect(characterErrors(['one two three'], ['one two', 'three'])).toEqual({ errors: 1, characters: 13 })
})

test('a page that was not read at all is all errors', () => {
  expect(characterErrors([], ['abc'])).toEqual({ errors: 3, characters: 3 })
})

test('the rate is over all characters, not over pages', () => {
  const pages = [
    { errors: 1, characters: 10 },
    { errors: 0, characters: 90 },
  ]
  expect(errorRate(pages)).toBe(0.01)
  expect(errorRate([])).toBe(0)
})

test('pieces of a row are joined by a space; what is hardly text is dropped', () => {
  const rows = [
    [
      { text: 'Oak board', score: 0.9 },
      { text: ' 4.50', score: 0.8 },
    ],
    [{ text: '~', score: 0.2 }],
  ]
  expect(assembleRows(rows)).toEqual(['Oak board 4.50'])
})
