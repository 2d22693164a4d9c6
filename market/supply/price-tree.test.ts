import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPriceTree, measureCount } from './price-tree.ts'
import { traitNeed } from './trait-code.ts'

const rowCount = 3_000

const setUp = () => {
  const prices = new Float64Array(rowCount)
  const measures = new Float64Array(rowCount * measureCount)
  const priceOf = (row: number) => prices[row] ?? 0
  const tree = createPriceTree({
    priceOf,
    compare: (a, b) => priceOf(a) - priceOf(b) || a - b,
    codeOf: () => 0,
    traitsOf: () => 0,
    measures: () => measures,
  })
  const set = (row: number, price: number, measure: number) => {
    prices[row] = price
    measures[row * measureCount + 2] = measure
  }
  const measureOf = (row: number) => measures[row * measureCount + 2] ?? 0
  const needing = (need: number, mostPrice: number) => ({
    measures: Float64Array.of(0, 0, need, 0, 0, 0, 0, 0),
    code: 0,
    traits: traitNeed(undefined, undefined, undefined, []),
    mostPrice,
  })
  const search = (need: number, mostPrice: number, after = -1) => {
    const isPast = (row: number) =>
      row === after || priceOf(row) < priceOf(after) || (priceOf(row) === priceOf(after) && row < after)
    const cursor = after === -1 ? tree.open() : tree.open(isPast)
    const found: number[] = []
    let looked = 0
    const next = () => tree.next(cursor, needing(need, mostPrice), (row) => looked++ >= 0 && measureOf(row) >= need)
    for (let row = next(); row !== -1; row = next()) found.push(row)
    return { found, looked }
  }
  return { tree, set, search, priceOf, measureOf }
}

const step = fc.record({
  row: fc.nat({ max: 400 }),
  price: fc.nat({ max: 30 }),
  measure: fc.nat({ max: 50 }),
  act: fc.constantFrom('in', 'out', 'remeasure'),
})

test('gives the rows that were put in and not taken out, in order, whatever happens in between', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 2_000, size: 'max' }),
      fc.nat({ max: 60 }),
      fc.nat({ max: 30 }),
      (steps, need, most) => {
        const { tree, set, search, priceOf, measureOf } = setUp()
        const present = new Set<number>()
        for (const { row, price, measure, act } of steps) {
          if (act === 'in' && !present.has(row)) {
            set(row, price, measure)
            tree.insert(row)
            present.add(row)
          } else if (act === 'remeasure' && present.has(row)) {
            set(row, priceOf(row), measure)
            tree.remeasure(row)
          } else if (act === 'out' && present.delete(row)) tree.remove(row)
        }
        const ordered = [...present].toSorted((a, b) => priceOf(a) - priceOf(b) || a - b)
        const fitting = ordered.filter((row) => measureOf(row) >= need && priceOf(row) <= most)
        expect(tree.size()).toBe(present.size)
        expect(tree.lowest()).toBe(ordered[0] === undefined ? Infinity : priceOf(ordered[0]))
        expect(search(need, most).found).toEqual(fitting)
        const middle = ordered[ordered.length >> 1]
        if (middle !== undefined)
          expect(search(need, most, middle).found).toEqual(
            fitting.filter((row) => ordered.indexOf(row) > ordered.indexOf(middle)),
          )
      },
    ),
    { numRuns: 60 },
  )
})

test('does not look at rows one by one that have too little, nor after those that had much left', () => {
  const { tree, set, search } = setUp()
  for (let row = 0; row < rowCount; row++) {
    set(row, (row * 7919) % rowCount, row === 1_234 ? 100 : row % 10)
    tree.insert(row)
  }
  expect(search(50, Infinity).found).toEqual([1_234])
  expect(search(50, Infinity).looked).toBeLessThan(300)
  expect(search(500, Infinity)).toEqual({ found: [], looked: expect.any(Number) })
  for (let row = 0; row < rowCount; row += 2) tree.remove(row)
  const { found, looked } = search(50, Infinity)
  expect(found).toEqual([])
  expect(looked).toBeLessThan(300)
})

test('emptied, it is as good as new', () => {
  const { tree, set, search } = setUp()
  for (let round = 0; round < 3; round++) {
    for (let row = 0; row < rowCount; row++) {
      set(row, row % 50, 1)
      tree.insert(row)
    }
    for (let row = rowCount - 1; row >= 0; row--) tree.remove(row)
    expect([tree.size(), tree.lowest(), search(0, Infinity).found]).toEqual([0, Infinity, []])
  }
})
