import type { OfferRows } from './offer-rows.ts'
import { makeCursor, type Cursor, type Need, type PriceTrees } from './price-tree.ts'
import { mixedKind, type Shelf, type Side } from './shelf-board.ts'

/** A shelf that a search goes along. */
export interface OpenShelf {
  shelf: Shelf
  readonly cursor: Cursor
  isBegun: boolean
  /** The next row that fits; -1 until it was looked for. */
  row: number
  /** No row of the shelf that is still to come is cheaper. */
  price: number
}

export interface Walk {
  readonly side: Side
  readonly need: Need
  readonly limit: number
  /** Rows at the start that are passed over. */
  readonly isPast: ((row: number) => boolean) | undefined
  /** Whether the offer in a row fits; on a shelf of mixed kinds, its kind of GPU aside. */
  readonly fits: (row: number) => boolean
  readonly isOfKind: (row: number) => boolean
}

export const makeOpenShelf = (shelf: Shelf): OpenShelf => ({
  shelf,
  cursor: makeCursor(),
  isBegun: false,
  row: -1,
  price: 0,
})

/** Walks shelves from their cheapest end, always on along the one whose next row may be the cheapest. */
export const createWalkShelves = (
  rows: Pick<OfferRows, 'compare'>,
  trees: PriceTrees,
): ((opened: OpenShelf[], walk: Walk) => number[]) => {
  const isBefore = (a: OpenShelf, b: OpenShelf): boolean => {
    if (a.price !== b.price) return a.price < b.price
    // What was not looked for yet may be before what was found at the same price.
    return a.row === -1 || (b.row !== -1 && rows.compare(a.row, b.row) < 0)
  }

  /** Moves an item of the heap down until none below is before it. */
  const sink = (heap: OpenShelf[], from: number): void => {
    const item = heap[from]
    if (item === undefined) return
    for (let at = from; ;) {
      const left = at * 2 + 1
      const right = left + 1
      let next = left
      const [first, second] = [heap[left], heap[right]]
      if (first !== undefined && second !== undefined && isBefore(second, first)) next = right
      const child = heap[next]
      if (child === undefined || !isBefore(child, item)) {
        heap[at] = item
        return
      }
      heap[at] = child
      at = next
    }
  }

  const advance = (one: OpenShelf, { side, need, isPast, fits, isOfKind }: Walk): void => {
    const { shelf, cursor } = one
    const isMixed = shelf.kind === mixedKind
    if (!one.isBegun) trees.open(shelf[side], cursor, isPast)
    one.isBegun = true
    one.row = trees.next(cursor, need, isMixed ? (row) => isOfKind(row) && fits(row) : fits)
    one.price = one.row === -1 ? Infinity : cursor.price
  }

  return (opened, walk) => {
    const found: number[] = []
    for (let at = (opened.length >> 1) - 1; at >= 0; at--) sink(opened, at)
    while (found.length < walk.limit) {
      const [best] = opened
      if (best === undefined) break
      if (best.row !== -1) {
        found.push(best.row)
        best.row = -1
        continue
      }
      advance(best, walk)
      if (best.row === -1) {
        const last = opened.pop()
        if (last !== undefined && last !== best) opened[0] = last
      }
      sink(opened, 0)
    }
    return found
  }
}
