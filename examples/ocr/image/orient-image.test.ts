import { expect, test } from 'vitest'
import { orientImage, type Orientation } from './orient-image.ts'

const rows = (...lines: string[]) => ({
  width: lines[0]?.length ?? 0,
  height: lines.length,
  pixels: Uint8Array.from(lines.join(''), (letter) => letter.charCodeAt(0)),
})

test.each<[Orientation, string[]]>([
  [1, ['abc', 'def']],
  [2, ['cba', 'fed']],
  [3, ['fed', 'cba']],
  [4, ['def', 'abc']],
  [5, ['ad', 'be', 'cf']],
  [6, ['da', 'eb', 'fc']],
  [7, ['fc', 'eb', 'da']],
  [8, ['cf', 'be', 'ad']],
])('orientation %i', (orientation, expected) => {
  expect(orientImage(rows('abc', 'def'), orientation)).toEqual(rows(...expected))
})
