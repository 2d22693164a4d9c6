import type { Demand, PriceUnit, SignedOffer } from '@muster/protocol'
import { compileDemand, isPlace, tokensOf, type CompiledDemand } from './compile-demand.ts'
import { isAlike } from './is-alike.ts'
import { createOfferRows } from './offer-rows.ts'
import { createPostings } from './posting.ts'
import { createPriceTrees } from './price-tree.ts'
import { rowFits, rowIsOfKind } from './row-fits.ts'
import { createShelfBoard, type Shelf, type ShelfBoard, type Side } from './shelf-board.ts'
import { hasRuntime } from './size-code.ts'
import { shortList } from './short-list.ts'
import { createWalkShelves, makeOpenShelf, type OpenShelf } from './walk-shelves.ts'

export interface SearchOptions {
  /** At most so many offers. */
  readonly limit: number
  /** Only those that come after this one, which may be gone by now. */
  readonly after?: SignedOffer
}

export interface OfferIndexModules {
  /** The rows of a provider's offers, where a demand names its providers. */
  readonly rowsOf: (provider: SignedOffer['record']['provider']) => Iterable<number>
}

/** What is searched for beyond what fits. */
export interface WideSearchOptions extends SearchOptions {
  /** Open ones, unless said otherwise. */
  readonly side?: Side
  /** Requirements that an offer need not meet, by the names of `failedRequirements`, slots and unit aside. */
  readonly waived?: ReadonlySet<string>
  /** In place of the unit of the demand. */
  readonly per?: PriceUnit
}

/**
 * Offers in memory, found by what they are. An offer is a row; it is open while it has slots to sell, else closed. Of `n`
 * offers, one that comes, goes, opens, closes or is priced anew costs O(log n).
 */
export interface OfferIndex {
  /** Takes an offer in, which is then to be opened or closed. */
  add(offer: SignedOffer): number
  /** Puts an offer in the place of the one in this row; it stays open or closed. */
  replace(row: number, offer: SignedOffer): void
  remove(row: number): void
  open(row: number): void
  close(row: number): void
  isOpen(row: number): boolean
  openCount(): number
  /** Offers that are open or closed. */
  count(): number
  /** The open offers that fit, in the order of `rankOffers`. */
  cheapest(demand: Demand, now: number, options: WideSearchOptions): SignedOffer[]
}

export const createOfferIndex = ({ rowsOf }: OfferIndexModules): OfferIndex => {
  const rows = createOfferRows()
  const postings = createPostings()
  const trees = createPriceTrees(rows)
  const walkShelves = createWalkShelves(rows, trees)
  const boards = new Map<PriceUnit, ShelfBoard>()
  /** Where a row stands. */
  const shelfOf: (Shelf | undefined)[] = []
  const counts: Record<Side, number> = { open: 0, closed: 0 }
  /** Used again by every search. */
  const spare: OpenShelf[] = []

  const sideOf = (row: number): Side => (rows.isOpen(row) ? 'open' : 'closed')

  const boardFor = (row: number): ShelfBoard => {
    const { per } = rows.offer(row).record.price
    const known = boards.get(per)
    if (known !== undefined) return known
    const made = createShelfBoard(rows, trees)
    boards.set(per, made)
    return made
  }

  const leave = (row: number): void => {
    const shelf = shelfOf[row]
    if (shelf === undefined) return
    const side = sideOf(row)
    shelf.board.remove(row, shelf, side)
    shelfOf[row] = undefined
    counts[side]--
  }

  const put = (row: number, side: Side): void => {
    const shelf = shelfOf[row]
    const was = sideOf(row)
    if (shelf === undefined) shelfOf[row] = boardFor(row).insert(row, side)
    else if (was === side) return
    else {
      shelf.board.turn(row, shelf, side)
      counts[was]--
    }
    rows.setOpen(row, side === 'open')
    counts[side]++
  }

  const add = (offer: SignedOffer): number => {
    const tokens = tokensOf(offer.record)
    const row = rows.add(
      offer,
      tokens.filter((token) => !isPlace(token)),
    )
    shelfOf[row] = undefined
    for (const token of tokens) postings.add(token, row)
    return row
  }

  const remove = (row: number): void => {
    leave(row)
    for (const token of tokensOf(rows.offer(row).record)) postings.remove(token, row)
    rows.remove(row)
  }

  const replace = (row: number, offer: SignedOffer): void => {
    const was = rows.offer(row).record
    const shelf = shelfOf[row]
    const side = sideOf(row)
    if (!isAlike(was, offer.record)) {
      remove(row)
      // The row that was given back last is the next to be taken.
      add(offer)
      if (shelf !== undefined) put(row, side)
      return
    }
    const isMoved = was.price.nanoUsd !== offer.record.price.nanoUsd || was.id !== offer.record.id
    if (isMoved) leave(row)
    const isChanged = rows.write(row, offer)
    if (shelf === undefined) return
    if (isMoved) put(row, side)
    else if (isChanged) shelf.board.remeasure(row, shelf, side)
  }

  const isPast = (row: number, after: SignedOffer): boolean => {
    const { record } = rows.offer(row)
    const { price, id, provider } = after.record
    if (record.price.nanoUsd !== price.nanoUsd) return record.price.nanoUsd < price.nanoUsd
    if (record.id !== id) return record.id < id
    return record.provider <= provider
  }

  /** Looks at every row of a list, and sorts what fits. */
  const searchList = (
    list: Iterable<number>,
    board: ShelfBoard,
    side: Side,
    demand: CompiledDemand,
    { limit, after }: SearchOptions,
  ) => {
    const found: number[] = []
    for (const row of list) {
      const shelf = shelfOf[row]
      if (shelf?.board !== board || sideOf(row) !== side || rows.priceOf(row) > demand.need.mostPrice) continue
      if ((shelf.runtimes & demand.runtimes) === 0 || !hasRuntime(rows.codeOf(row), demand.need.runtimes)) continue
      if (!rowIsOfKind(row, demand, rows) || !rowFits(row, demand, rows)) continue
      if (after === undefined || !isPast(row, after)) found.push(row)
    }
    return found.sort(rows.compare).slice(0, limit)
  }

  /** The rows of the providers a demand names. */
  const namedRows = ({ placement: { providers } }: Demand, waived?: ReadonlySet<string>): Set<number> | undefined => {
    if (providers.length === 0 || waived?.has('placement.providers') === true) return undefined
    return new Set(providers.flatMap((provider) => [...rowsOf(provider)]))
  }

  return {
    add,
    replace,
    remove,
    open: (row) => put(row, 'open'),
    close: (row) => put(row, 'closed'),
    isOpen: (row) => shelfOf[row] !== undefined && rows.isOpen(row),
    openCount: () => counts.open,
    count: () => counts.open + counts.closed,
    cheapest: (demand, now, options) => {
      const { limit, after, side = 'open', waived, per = demand.maxPrice.per } = options
      const board = boards.get(per)
      if (board === undefined || limit <= 0) return []
      const compiled = compileDemand(demand, rows, now, waived)
      const list = namedRows(demand, waived)
      if (list !== undefined) return searchList(list, board, side, compiled, options).map(rows.offer)
      const opened: OpenShelf[] = []
      let size = 0
      board.select(compiled, side, (shelf) => {
        const one = (spare[opened.length] ??= makeOpenShelf(shelf))
        one.shelf = shelf
        one.isBegun = false
        one.row = -1
        one.price = shelf[side].lowest
        opened.push(one)
        size += shelf[side].size
      })
      const short = shortList(compiled, postings, { limit, size, all: counts[side] })
      if (short !== undefined) return searchList(short, board, side, compiled, options).map(rows.offer)
      const found = walkShelves(opened, {
        side,
        need: compiled.need,
        limit,
        isPast: after === undefined ? undefined : (row) => isPast(row, after),
        fits: (row) => rowFits(row, compiled, rows),
        isOfKind: (row) => rowIsOfKind(row, compiled, rows),
      })
      return found.map(rows.offer)
    },
  }
}
