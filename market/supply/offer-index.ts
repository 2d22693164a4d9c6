import type { Demand, Offer, PriceUnit, SignedOffer } from '@muster/protocol'
import { compileDemand, isPlace, tokensOf, type CompiledDemand } from './compile-demand.ts'
import { gpuKindOf } from './gpu-kind.ts'
import { createOfferRows, runtimeBits, termColumns } from './offer-rows.ts'
import { createPostings } from './posting.ts'
import { createPriceTree, type Cursor, type PriceTree } from './price-tree.ts'

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

/**
 * Offers in memory, found by what they are. An offer is a row; it is open while it has slots to sell, and only open ones
 * are found. Of `n` offers, one that comes, goes, opens, closes or is priced anew costs O(log n).
 */
export interface OfferIndex {
  /** Takes an offer in, closed. */
  add(offer: SignedOffer): number
  /** Puts an offer in the place of the one in this row; it stays open or closed. */
  replace(row: number, offer: SignedOffer): void
  remove(row: number): void
  open(row: number): void
  close(row: number): void
  isOpen(row: number): boolean
  openCount(): number
  /** The open offers that fit, in the order of `rankOffers`. */
  cheapest(demand: Demand, now: number, options: SearchOptions): SignedOffer[]
}

/** Open offers of one unit, one set of runtimes, one kind of GPU and one number of them, by price. */
interface Shelf {
  readonly key: string
  readonly runtimes: number
  /** A term, or `mixed`. */
  readonly kind: number
  /** GPUs of a slot; of a mixed shelf any. */
  readonly gpuCount: number
  readonly tree: PriceTree
}

interface Unit {
  readonly shelves: Map<string, Shelf>
  /** The same by kind of GPU, which a demand is compared with once. */
  readonly byKind: Map<number, Shelf[]>
}

/** The kind of a shelf that holds what is left when there are too many kinds: strangers choose how many. */
const mixed = -1
const mostShelves = 1_024

const isSameText = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean => {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
}

const isSameSigned = ({ attestations: a = [] }: Offer, { attestations: b = [] }: Offer): boolean =>
  a.length === b.length &&
  a.every(
    ({ record }, index) =>
      record.auditor === b[index]?.record.auditor && isSameText(record.attributes, b[index].record.attributes),
  )

const isSameGpus = (a: Offer['gpus'], b: Offer['gpus']): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every(
      ({ vendor, model, interface: connection }, at) =>
        vendor === b[at]?.vendor && model === b[at].model && connection === b[at].interface,
    ))

/** Whether nothing differs by which an offer is found: only measures, price and slots. */
const isAlike = (a: Offer, b: Offer): boolean =>
  a.region === b.region &&
  a.country === b.country &&
  a.execSpec === b.execSpec &&
  a.operator === b.operator &&
  a.price.per === b.price.per &&
  runtimeBits(a.runtimes) === runtimeBits(b.runtimes) &&
  isSameText(a.attributes, b.attributes) &&
  isSameSigned(a, b) &&
  (isSameGpus(a.gpus, b.gpus) || gpuKindOf(a.gpus) === gpuKindOf(b.gpus))

/** Moves an item of a binary heap down until none below is before it. */
const sink = <Item>(heap: Item[], from: number, isBefore: (a: Item, b: Item) => boolean): void => {
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

interface Opened {
  shelf: Shelf
  cursor: Cursor | undefined
  /** The next row that fits; -1 until it was looked for. */
  row: number
  /** No row of the shelf that is still to come is cheaper. */
  price: number
}

export const createOfferIndex = ({ rowsOf }: OfferIndexModules): OfferIndex => {
  const rows = createOfferRows()
  const postings = createPostings()
  const units = new Map<PriceUnit, Unit>()
  /** The shelf of a row while it is open. */
  const shelfOf: (Shelf | undefined)[] = []
  let openCount = 0
  /** Used again by every search. */
  const spare: Opened[] = []

  const table = {
    priceOf: rows.price,
    compare: rows.compare,
    codeOf: rows.code,
    traitsOf: rows.traits,
    measures: rows.measures,
  }

  const shelfFor = (row: number): Shelf => {
    const { price, runtimes, resources } = rows.offer(row).record
    const unit = units.get(price.per) ?? { shelves: new Map<string, Shelf>(), byKind: new Map<number, Shelf[]>() }
    units.set(price.per, unit)
    const bits = runtimeBits(runtimes)
    const kind = rows.term(row, termColumns.gpuKind)
    const found = unit.shelves.get(`${bits} ${kind} ${resources.gpuCount}`)
    if (found !== undefined) return found
    const isSpecial = unit.shelves.size < mostShelves
    const shelfKind = isSpecial ? kind : mixed
    const key = isSpecial ? `${bits} ${kind} ${resources.gpuCount}` : `${bits} mixed`
    const known = unit.shelves.get(key)
    if (known !== undefined) return known
    const made: Shelf = {
      key,
      runtimes: bits,
      kind: shelfKind,
      gpuCount: isSpecial ? resources.gpuCount : Infinity,
      tree: createPriceTree(table),
    }
    unit.shelves.set(key, made)
    const alike = unit.byKind.get(shelfKind)
    if (alike === undefined) unit.byKind.set(shelfKind, [made])
    else alike.push(made)
    return made
  }

  const dropShelf = (shelf: Shelf, per: PriceUnit): void => {
    const unit = units.get(per)
    if (unit === undefined) return
    unit.shelves.delete(shelf.key)
    const alike = unit.byKind.get(shelf.kind) ?? []
    alike.splice(alike.indexOf(shelf), 1)
    if (alike.length === 0) unit.byKind.delete(shelf.kind)
  }

  const open = (row: number): void => {
    if (shelfOf[row] !== undefined) return
    const shelf = shelfFor(row)
    shelf.tree.insert(row)
    shelfOf[row] = shelf
    openCount++
  }

  const close = (row: number): void => {
    const shelf = shelfOf[row]
    if (shelf === undefined) return
    shelf.tree.remove(row)
    if (shelf.tree.size() === 0) dropShelf(shelf, rows.offer(row).record.price.per)
    shelfOf[row] = undefined
    openCount--
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
    close(row)
    for (const token of tokensOf(rows.offer(row).record)) postings.remove(token, row)
    rows.remove(row)
  }

  const replace = (row: number, offer: SignedOffer): void => {
    const was = rows.offer(row)
    const wasOpen = shelfOf[row] !== undefined
    if (!isAlike(was.record, offer.record)) {
      remove(row)
      // The row that was given back last is the next to be taken.
      add(offer)
      if (wasOpen) open(row)
      return
    }
    const isMoved = was.record.price.nanoUsd !== offer.record.price.nanoUsd || was.record.id !== offer.record.id
    const shelf = isMoved ? undefined : shelfOf[row]
    if (isMoved) close(row)
    rows.write(row, offer)
    if (wasOpen && isMoved) open(row)
    else shelf?.tree.remeasure(row)
  }

  const isPast = (row: number, after: SignedOffer): boolean => {
    const { record } = rows.offer(row)
    const { price, id, provider } = after.record
    if (record.price.nanoUsd !== price.nanoUsd) return record.price.nanoUsd < price.nanoUsd
    if (record.id !== id) return record.id < id
    return record.provider <= provider
  }

  const isOnShelf = (shelf: Shelf, row: number, demand: CompiledDemand): boolean =>
    (shelf.runtimes & demand.runtimeBit) !== 0 && demand.isKindWanted(rows.term(row, termColumns.gpuKind))

  /** Looks at every row of a list, and sorts what fits. */
  const searchList = (list: Iterable<number>, per: PriceUnit, demand: CompiledDemand, options: SearchOptions) => {
    const found: number[] = []
    const { after, limit } = options
    for (const row of list) {
      const shelf = shelfOf[row]
      if (shelf === undefined || rows.price(row) > demand.need.mostPrice || rows.offer(row).record.price.per !== per)
        continue
      if (!isOnShelf(shelf, row, demand) || !demand.fits(row)) continue
      if (after === undefined || !isPast(row, after)) found.push(row)
    }
    return found.sort(rows.compare).slice(0, limit)
  }

  const shelvesFor = ({ byKind }: Unit, demand: CompiledDemand): Opened[] => {
    const opened: Opened[] = []
    const { mostPrice } = demand.need
    for (const [kind, shelves] of byKind) {
      if (kind !== mixed && !demand.isKindWanted(kind)) continue
      for (const shelf of shelves) {
        if ((shelf.runtimes & demand.runtimeBit) === 0 || shelf.gpuCount < demand.gpuCount) continue
        const price = shelf.tree.lowest()
        if (price > mostPrice || !shelf.tree.mayMeet(demand.need)) continue
        const one = (spare[opened.length] ??= { shelf, cursor: undefined, row: -1, price })
        one.shelf = shelf
        one.cursor = undefined
        one.row = -1
        one.price = price
        opened.push(one)
      }
    }
    return opened
  }

  /** Walks shelves from their cheapest end, always on along the one whose next row may be the cheapest. */
  const walk = (opened: Opened[], demand: CompiledDemand, { limit, after }: SearchOptions): number[] => {
    const found: number[] = []
    const past = after === undefined ? undefined : (row: number) => isPast(row, after)
    const fitsMixed = (row: number): boolean =>
      demand.isKindWanted(rows.term(row, termColumns.gpuKind)) && demand.fits(row)

    const advance = (one: Opened): void => {
      const { shelf } = one
      one.cursor ??= shelf.tree.open(past)
      const fits = shelf.kind === mixed ? fitsMixed : demand.fits
      one.row = shelf.tree.next(one.cursor, demand.need, fits)
      one.price = one.row === -1 ? Infinity : rows.price(one.row)
    }

    const isBefore = (a: Opened, b: Opened): boolean => {
      if (a.price !== b.price) return a.price < b.price
      // What was not looked for yet may be before what was found at the same price.
      return a.row === -1 || (b.row !== -1 && rows.compare(a.row, b.row) < 0)
    }

    for (let at = (opened.length >> 1) - 1; at >= 0; at--) sink(opened, at, isBefore)
    while (found.length < limit) {
      const [best] = opened
      if (best === undefined) break
      if (best.row !== -1) {
        found.push(best.row)
        best.row = -1
        continue
      }
      advance(best)
      if (best.row === -1) {
        const last = opened.pop()
        if (last !== undefined && last !== best) opened[0] = last
      }
      sink(opened, 0, isBefore)
    }
    return found
  }

  /** The group of tokens that the fewest offers have one of, and how many do. */
  const rarest = ({ tokens }: CompiledDemand): { readonly group: readonly string[]; readonly count: number } => {
    let best: { group: readonly string[]; count: number } = { group: [], count: Infinity }
    for (const group of tokens) {
      let count = 0
      for (const token of group) count += postings.count(token)
      if (count < best.count) best = { group, count }
    }
    return best
  }

  /** A list that has every offer the demand could take, where one is shorter than the walk would be. */
  const shortList = (
    demand: Demand,
    compiled: CompiledDemand,
    limit: number,
    size: number,
  ): Set<number> | undefined => {
    const { providers } = demand.placement
    if (providers.length > 0) return new Set(providers.flatMap((provider) => [...rowsOf(provider)]))
    const { group, count } = rarest(compiled)
    // A walk meets one that has the token every `openCount / count` rows, if the token says nothing of the price.
    const steps = count === 0 ? size : Math.min(size, (limit * openCount) / count)
    if (count * 2 >= steps) return undefined
    const list = new Set<number>()
    for (const token of group) {
      const found = postings.rows(token)
      if (found === undefined) return undefined
      for (const row of found) list.add(row)
    }
    return list
  }

  return {
    add,
    replace,
    remove,
    open,
    close,
    isOpen: (row) => shelfOf[row] !== undefined,
    openCount: () => openCount,
    cheapest: (demand, now, options) => {
      const { per } = demand.maxPrice
      const unit = units.get(per)
      if (unit === undefined || options.limit <= 0) return []
      const compiled = compileDemand(demand, rows, now)
      const opened = shelvesFor(unit, compiled)
      let size = 0
      for (const { shelf } of opened) size += shelf.tree.size()
      const list = shortList(demand, compiled, options.limit, size)
      const found = list === undefined ? walk(opened, compiled, options) : searchList(list, per, compiled, options)
      return found.map(rows.offer)
    },
  }
}
