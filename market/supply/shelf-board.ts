import type { CompiledDemand } from './compile-demand.ts'
import { gpuPartsOf, isKindWanted, type WantedGpus } from './gpu-kind.ts'
import { runtimeBits, termColumns, type OfferRows } from './offer-rows.ts'
import type { PriceTree, PriceTrees } from './price-tree.ts'
import { hasRuntime, packedRuntimes, reaches } from './size-code.ts'
import { createTermTable } from './term-table.ts'

/** Offers with slots to sell, or those without. */
export type Side = 'open' | 'closed'

/** Rows of one kind of GPU and one number of them, by price. */
export interface Shelf {
  readonly board: ShelfBoard
  /** Its place on the board, while it has rows. */
  readonly at: number
  readonly key: number
  /** Bits of the runtimes they have: of the first few each row says itself. */
  readonly runtimes: number
  /** The term of its kind of GPU, or `mixedKind`. */
  readonly kind: number
  readonly open: PriceTree
  readonly closed: PriceTree
}

/** Rows of one unit of price, on shelves; what a search has to know of each shelf lies together. */
export interface ShelfBoard {
  insert(row: number, side: Side): Shelf
  remove(row: number, shelf: Shelf, side: Side): void
  /** Takes a row to this side from the other. */
  turn(row: number, shelf: Shelf, to: Side): void
  /** Looks at the measures of a row again. */
  remeasure(row: number, shelf: Shelf, side: Side): void
  /** Calls back with each shelf that may have what is wanted. */
  select(demand: CompiledDemand, side: Side, found: (shelf: Shelf) => void): void
}

/** The kind of a shelf that holds what is left when there are too many kinds: strangers choose how many. */
export const mixedKind = -1
const mostShelves = 1_024
const mostGpus = 2_047
const mostRuntimes = 256
/** The runtimes that are in a row's code. */
const packed = (1 << packedRuntimes) - 1

/** Vendor, model and interface of a card. */
const fieldCount = 3
/** In place of the number of a word, where a shelf has no card that is named, or several. */
const unnumbered = -1

const keyOf = (kind: number, gpuCount: number, runtimes: number): number =>
  ((kind + 1) * (mostGpus + 1) + gpuCount) * mostRuntimes + runtimes

/** For each shelf what is compared before its trees are looked at. */
const makeColumns = (room: number) => ({
  /** The lowest price of a side; not a number where there is no shelf. */
  openLowest: new Float64Array(room).fill(NaN),
  closedLowest: new Float64Array(room).fill(NaN),
  /** The largest sizes of a side. */
  openMost: new Int32Array(room),
  closedMost: new Int32Array(room),
  runtimes: new Int32Array(room),
  gpuCounts: new Int32Array(room),
  words: new Int32Array(room * fieldCount),
})

export const createShelfBoard = (rows: OfferRows, trees: PriceTrees): ShelfBoard => {
  const words = createTermTable()
  const shelves = new Map<number, Shelf>()
  const byPlace: (Shelf | undefined)[] = []
  const vacant: number[] = []
  let room = 16
  let columns = makeColumns(room)

  const grow = (): void => {
    const before = columns
    room *= 2
    columns = makeColumns(room)
    for (const name of Object.keys(before) as (keyof typeof columns)[]) columns[name].set(before[name])
  }

  const wordsOf = (kind: number): readonly string[] => {
    const [parts, other] = kind === mixedKind ? [] : gpuPartsOf(rows.terms.textOf(kind))
    return parts === undefined || other !== undefined ? [] : parts.map((part, field) => `${field}${part}`)
  }

  const make = (key: number, kind: number, gpuCount: number, runtimes: number): Shelf => {
    const at = vacant.pop() ?? byPlace.length
    if (at >= room) grow()
    const made: Shelf = { board, at, key, runtimes, kind, open: trees.plant(), closed: trees.plant() }
    shelves.set(key, made)
    byPlace[at] = made
    columns.runtimes[at] = runtimes
    columns.gpuCounts[at] = gpuCount
    columns.words.fill(unnumbered, at * fieldCount, (at + 1) * fieldCount)
    wordsOf(kind).forEach((word, field) => {
      columns.words[at * fieldCount + field] = words.use(word)
    })
    return made
  }

  const drop = ({ at, key, open, closed }: Shelf): void => {
    trees.uproot(open)
    trees.uproot(closed)
    for (let field = at * fieldCount; field < (at + 1) * fieldCount; field++) {
      const word = columns.words[field] ?? unnumbered
      if (word !== unnumbered) words.release(word)
    }
    shelves.delete(key)
    byPlace[at] = undefined
    vacant.push(at)
    columns.openLowest[at] = NaN
    columns.closedLowest[at] = NaN
  }

  const note = ({ at, open, closed }: Shelf): void => {
    columns.openLowest[at] = open.lowest
    columns.closedLowest[at] = closed.lowest
    columns.openMost[at] = open.root.most
    columns.closedMost[at] = closed.root.most
  }

  const shelfFor = (row: number): Shelf => {
    const { runtimes, resources } = rows.offer(row).record
    const bits = runtimeBits(runtimes) | packed
    const kind = rows.term(row, termColumns.gpuKind)
    const key = keyOf(kind, resources.gpuCount, bits)
    const found = shelves.get(key)
    if (found !== undefined) return found
    if (shelves.size < mostShelves) return make(key, kind, resources.gpuCount, bits)
    const mixedKey = keyOf(mixedKind, mostGpus, bits)
    return shelves.get(mixedKey) ?? make(mixedKey, mixedKind, mostGpus, bits)
  }

  const isWanted = (at: number, { kind }: Shelf, wanted: WantedGpus, numbers: readonly (readonly number[])[]) => {
    for (let field = 0; field < fieldCount; field++) {
      const list = numbers[field]
      const word = columns.words[at * fieldCount + field] ?? unnumbered
      if (word === unnumbered) return kind === mixedKind || isKindWanted(rows.terms.textOf(kind), wanted)
      if (list !== undefined && list.length > 0 && !list.includes(word)) return false
    }
    return true
  }

  const board: ShelfBoard = {
    insert: (row, side) => {
      const shelf = shelfFor(row)
      trees.insert(shelf[side], row)
      note(shelf)
      return shelf
    },
    remove: (row, shelf, side) => {
      trees.remove(shelf[side], row)
      if (shelf.open.size + shelf.closed.size === 0) drop(shelf)
      else note(shelf)
    },
    turn: (row, shelf, to) => {
      trees.remove(shelf[to === 'open' ? 'closed' : 'open'], row)
      trees.insert(shelf[to], row)
      note(shelf)
    },
    remeasure: (row, shelf, side) => {
      trees.remeasure(shelf[side], row)
      note(shelf)
    },
    select: ({ gpus, gpuCount, runtimes: wantedRuntimes, need }, side, found) => {
      const { runtimes, gpuCounts, openLowest, openMost, closedLowest, closedMost } = columns
      const [lowest, most] = side === 'open' ? [openLowest, openMost] : [closedLowest, closedMost]
      const { mostPrice, code } = need
      const numbers = gpus?.lists.map((list, field) => list.map((text) => words.find(`${field}${text}`))) ?? []
      for (let at = 0; at < byPlace.length; at++) {
        // Not the other way round: where there is no shelf, no comparison holds.
        if (!((lowest[at] ?? NaN) <= mostPrice)) continue
        if (((runtimes[at] ?? 0) & wantedRuntimes) === 0 || (gpuCounts[at] ?? 0) < gpuCount) continue
        const shelf = byPlace[at]
        if (
          shelf === undefined ||
          !reaches(most[at] ?? 0, code) ||
          !hasRuntime(most[at] ?? 0, need.runtimes) ||
          shelf[side].size === 0
        )
          continue
        if (gpus === undefined || isWanted(at, shelf, gpus, numbers)) found(shelf)
      }
    },
  }
  return board
}
