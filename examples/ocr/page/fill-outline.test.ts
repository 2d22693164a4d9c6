import { expect, test } from 'vitest'
import { fillOutlines } from './fill-outline.ts'

const square = (left: number, top: number, right: number, bottom: number) => [
  { x: left, y: top },
  { x: right, y: top },
  { x: right, y: bottom },
  { x: left, y: bottom },
]

test('a pixel is inked by the share of it that is covered', () => {
  const { ink } = fillOutlines([[square(0.5, 0, 2, 0.5)]], 3, 1)
  expect([...ink]).toEqual([0.25, 0.5, 0])
})

test('a hole runs against its outline', () => {
  const { ink } = fillOutlines([[square(0, 0, 3, 3), square(1, 1, 2, 2).toReversed()]], 3, 3)
  expect([...ink]).toEqual([1, 1, 1, 1, 0, 1, 1, 1, 1])
})

test('a triangle covers half of its square', () => {
  const { ink } = fillOutlines(
    [
      [
        [
          { x: 0, y: 0 },
          { x: 4, y: 4 },
          { x: 0, y: 4 },
        ],
      ],
    ],
    4,
    4,
  )
  expect(ink.reduce((sum, share) => sum + share, 0)).toBeCloseTo(8, 12)
})

test('what lies left of the sheet does not bleed into it', () => {
  const { ink } = fillOutlines([[square(-5, 0, -1, 1)], [square(2, -3, 9, 9)]], 4, 1)
  expect([...ink]).toEqual([0, 0, 1, 1])
})
