import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPriceTrees, makeCursor } from './price-tree.ts'
import { measureCount, sizeCode } from './size-code.ts'
import { traitNeed } from './trait-code.ts'

const rowCount = 3_000

/** Rows of a disk each, in units of 20 GiB. */
const setUp = (room = rowCount) => {
  const prices = new Float64Array(room)
  const disks = new Float64Array(room)
  const priceOf = (row: number) => prices[row] ?? 0
  const sizes = (disk: number) =>
    Float64Array.from({ length: measureCount }, (_, index) => (index === 2 ? disk * 20 * 2 ** 30 : 0))
  const trees = createPriceTrees({
    priceOf,
    compare: (a, b) => priceOf(a) - priceOf(b) || a - b,
    codeOf: (row) => sizeCode(sizes(disks[row] ?? 0), 0),
    traitsOf: () => 0,
  })
  const tree = trees.plant()
  const set = (row: number, price: number, disk: number) => {
    prices[row] = price
    disks[row] = disk
  }
  const measureOf = (row: number) => disks[row] ?? 0
  const needing = (need: number, mostPrice: number) => ({
    measures: sizes(need),
    code: sizeCode(sizes(need), 0),
    runtimes: 0,
    traits: traitNeed(undefined, undefined, undefined, []),
    mostPrice,
  })
  const search = (need: number, mostPrice: number, after = -1) => {
    const isPast = (row: number) =>
      row === after || priceOf(row) < priceOf(after) || (priceOf(row) === priceOf(after) && row < after)
    const cursor = makeCursor()
    trees.open(tree, cursor, after === -1 ? undefined : isPast)
    const found: number[] = []
    let looked = 0
    const next = () => trees.next(cursor, needing(need, mostPrice), (row) => looked++ >= 0 && measureOf(row) >= need)
    for (let row = next(); row !== -1; row = next()) found.push(row)
    return { found, looked }
  }
  return { trees, tree, set, search, priceOf, measureOf }
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
        const { trees, tree, set, search, priceOf, measureOf } = setUp()
        const present = new Set<number>()
        for (const { row, price, measure, act } of steps) {
          if (act === 'in' && !present.has(row)) {
            set(row, price, measure)
            trees.insert(tree, row)
            present.add(row)
          } else if (act === 'remeasure' && present.has(row)) {
            set(row, priceOf(row), measure)
            trees.remeasure(tree, row)
          } else if (act === 'out' && present.delete(row)) trees.remove(tree, row)
        }
        const ordered = [...present].toSorted((a, b) => priceOf(a) - priceOf(b) || a - b)
        const fitting = ordered.filter((row) => measureOf(row) >= need && priceOf(row) <= most)
        expect(tree.size).toBe(present.size)
        expect(tree.lowest).toBe(ordered[0] === undefined ? Infinity : priceOf(ordered[0]))
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
  const { trees, tree, set, search } = setUp()
  for (let row = 0; row < rowCount; row++) {
    set(row, (row * 7919) % rowCount, row === 1_234 ? 100 : row % 10)
    trees.insert(tree, row)
  }
  expect(search(50, Infinity).found).toEqual([1_234])
  expect(search(50, Infinity).looked).toBeLessThan(300)
  expect(search(500, Infinity)).toEqual({ found: [], looked: expect.any(Number) })
  for (let row = 0; row < rowCount; row += 2) trees.remove(tree, row)
  const { found, looked } = search(50, Infinity)
  expect(found).toEqual([])
  expect(looked).toBeLessThan(300)
})

test('emptied, it is as good as new', () => {
  const { trees, tree, set, search } = setUp()
  for (let round = 0; round < 3; round++) {
    for (let row = 0; row < rowCount; row++) {
      set(row, row % 50, 1)
      trees.insert(tree, row)
    }
    for (let row = rowCount - 1; row >= 0; row--) trees.remove(tree, row)
    expect([tree.size, tree.lowest, search(0, Infinity).found]).toEqual([0, Infinity, []])
  }
})

test('keeps many rows of few prices in order, that come and go at random', () => {
  const room = 20_000
  const { trees, tree, set, search, priceOf, measureOf } = setUp(room)
  const present = new Set<number>()
  let state = 7
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >>> 8) % below
  }
  for (const [steps, isShrinking] of [
    [40_000, false],
    [60_000, true],
    [30_000, false],
  ] as const) {
    for (let count = 0; count < steps; count++) {
      const row = draw(room)
      if (present.delete(row)) trees.remove(tree, row)
      else if (!isShrinking || draw(8) === 0) {
        set(row, draw(400), draw(100) ** 2 / 100)
        trees.insert(tree, row)
        present.add(row)
      }
    }
    const ordered = [...present].toSorted((a, b) => priceOf(a) - priceOf(b) || a - b)
    expect(search(0, Infinity).found).toEqual(ordered)
    expect(search(60, Infinity).found).toEqual(ordered.filter((row) => measureOf(row) >= 60))
    expect(search(0, 200).found).toEqual(ordered.filter((row) => priceOf(row) <= 200))
    expect([tree.size, tree.lowest]).toEqual([ordered.length, priceOf(ordered[0] ?? 0)])
  }
})
