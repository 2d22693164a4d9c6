import { attemptId, newId, type Address } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import { createLogBook } from './log-book.ts'

const job = newId(createVirtualWorld(1), 'job')
const market = '0x01' as Address
const attempt = (index: number) => attemptId(job, index, 1)

test('keeps the last lines, cut to length, for the market they belong to', () => {
  const book = createLogBook({ maxLines: 2, maxLineLength: 4, maxLength: 10_000 })
  for (const line of ['one', 'twotwo', 'three']) book.add(attempt(0), market, line)
  expect(book.read(attempt(0), market)).toEqual(['twot', 'thre'])
  expect(book.read(attempt(0), '0x02' as Address)).toEqual([])
  expect(book.read(attempt(1), market)).toEqual([])
})

test('forgets the oldest attempt’s log when all together grow too long', () => {
  const book = createLogBook({ maxLines: 100, maxLineLength: 1000, maxLength: 1000 })
  for (let index = 0; index < 10; index++) {
    book.add(attempt(index), market, 'x'.repeat(200))
  }
  expect(book.read(attempt(0), market)).toEqual([])
  expect(book.read(attempt(9), market)).toHaveLength(1)
})

test('a line of another market for the same attempt is dropped', () => {
  const book = createLogBook({ maxLines: 2, maxLineLength: 4, maxLength: 10_000 })
  book.add(attempt(0), market, 'x')
  book.add(attempt(0), '0x02' as Address, 'y')
  expect(book.read(attempt(0), market)).toEqual(['x'])
  expect(book.read(attempt(0), '0x02' as Address)).toEqual([])
})
