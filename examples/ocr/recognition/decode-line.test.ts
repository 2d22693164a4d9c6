import type { Tensor } from '@muster/graph'
import { expect, test } from 'vitest'
import { decodeLine } from './decode-line.ts'
import { readDictionary } from './dictionary.ts'

const dictionary = readDictionary('a\nb\r\n!\n')

type Step = readonly [character: string, probability?: number, space?: number]

const stepsOf = (...steps: Step[]): Tensor => ({
  dtype: 'float32',
  dims: [1, steps.length, 3],
  data: Float32Array.from(
    steps.flatMap(([character, probability = 1, space = 0]) => [dictionary.indexOf(character), probability, space]),
  ),
})

const read = (...steps: Step[]) => decodeLine(stepsOf(...steps), dictionary).text

test('the dictionary has the blank first and the space last', () => {
  expect(dictionary).toEqual(['', 'a', 'b', '!', ' '])
})

test('repeats are one character unless a blank is between them', () => {
  expect(read(['a'], ['a'], [''], ['a'], ['b'], ['b'], ['!'])).toBe('aab!')
})

test('a space that wins a step is written once', () => {
  expect(read(['a'], [' ', 0.9, 0.9], [' ', 0.9, 0.9], ['b'])).toBe('a b')
})

test('a space that is likely enough is written though a blank won', () => {
  expect(read(['a'], ['', 0.8, 0.1], ['b'])).toBe('a b')
  expect(read(['a'], ['', 0.8, 0.01], ['b'])).toBe('ab')
})

test('a space between two equal characters parts them', () => {
  expect(read(['a'], [' ', 0.9, 0.9], ['a'])).toBe('a a')
})

test('spaces before the first and after the last character are not written', () => {
  expect(read([' ', 1, 1], ['a'], [' ', 1, 1])).toBe('a')
})

test('the score is the mean over the characters, 0 for none', () => {
  expect(decodeLine(stepsOf(['a', 0.5], ['', 1], ['b', 1]), dictionary)).toEqual({ text: 'ab', score: 0.75 })
  expect(decodeLine(stepsOf(['']), dictionary)).toEqual({ text: '', score: 0 })
})
