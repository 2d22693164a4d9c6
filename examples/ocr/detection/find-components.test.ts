import { expect, test } from 'vitest'
import { findComponents } from './find-components.ts'

const map = (...rows: string[]) => Uint8Array.from(rows.join(''), (cell) => (cell === '#' ? 200 : 10))

test('regions meet across corners and not across the border of the map', () => {
  const components = findComponents(map('#...#', '.#...', '....#'), 5, 100, 1)
  expect(components.map((pixels) => [...pixels].toSorted((a, b) => a - b))).toEqual([[0, 6], [4], [14]])
})

test('the threshold itself is text, and small regions are left out', () => {
  expect(findComponents(Uint8Array.of(77, 77, 0, 77, 76), 5, 77, 2)).toEqual([[0, 1]])
})

test('a map full of text is one region', () => {
  expect(findComponents(new Uint8Array(640 * 480).fill(255), 640, 77, 1)[0]).toHaveLength(640 * 480)
})
