import { expect, test } from 'vitest'
import { textNames } from './write-out.ts'

test('the text of each image gets a file of its own', () => {
  expect(textNames(['a.png', 'b.png', 'b.jpg'])).toEqual(['a.txt', 'b.png.txt', 'b.jpg.txt'])
})
