import { runtimeKinds, type RuntimeKind, type SignedOffer } from '@muster/protocol'
import { gpuKindOf } from './gpu-kind.ts'
import type { PricedRows } from './price-tree.ts'
import { measureCount, runtimeCode, sizeCode } from './size-code.ts'
import { traitCode } from './trait-code.ts'
import { createTermTable, type TermTable } from './term-table.ts'

/** Offers as rows of numbers: what a search looks at first lies together, and every offer is kept once. */
export interface OfferRows extends PricedRows {
  /** Of regions, countries, exec specs and kinds of GPU. */
  readonly terms: TermTable
  /** With the tokens it may be found by, beside its terms. */
  add(offer: SignedOffer, tokens: readonly string[]): number
  /** Puts an offer with the same terms in the place of a row's, and says whether any measure is another. */
  write(row: number, offer: SignedOffer): boolean
  remove(row: number): void
  isOpen(row: number): boolean
  setOpen(row: number, isOpen: boolean): void
  /** Whether the offer says anything of the leases it sells, or of maintenance. */
  hasTerms(row: number): boolean
  offer(row: number): SignedOffer
  /** `measureCount` numbers for each row, from `row * measureCount` on. */
  measures(): Float64Array
  /** The number of the term in this column. */
  term(row: number, column: TermColumn): number
}

/** The columns of terms. */
export const termColumns = { region: 0, country: 1, execSpec: 2, gpuKind: 3 } as const
export type TermColumn = (typeof termColumns)[keyof typeof termColumns]
const columnCount = 4
const firstRoom = 256
const openBit = 1
const termsBit = 2

/** Runtimes as bits. */
export const runtimeBits = (runtimes: readonly RuntimeKind[]): number =>
  runtimes.reduce((bits, runtime) => bits | (1 << runtimeKinds.indexOf(runtime)), 0)

/** Texts that are terms carry their column, so that a region and a country of one name are two; kinds of GPU begin with a maker. */
export const termsOf = ({ record }: SignedOffer): readonly string[] => [
  `r${record.region}`,
  `c${record.country}`,
  `e${record.execSpec}`,
  gpuKindOf(record.gpus),
]

const grow = <List extends Float64Array | Int32Array | Uint8Array>(list: List, made: List): List => {
  made.set(list)
  return made
}

export const createOfferRows = (): OfferRows => {
  const terms = createTermTable()
  const offers: (SignedOffer | undefined)[] = []
  const vacant: number[] = []
  let room = firstRoom
  let measures = new Float64Array(room * measureCount)
  let prices = new Float64Array(room)
  let columns = new Int32Array(room * columnCount)
  let codes = new Int32Array(room)
  let traits = new Int32Array(room)
  let states = new Uint8Array(room)

  const offerOf = (row: number): SignedOffer => {
    const offer = offers[row]
    if (offer === undefined) throw new Error('there is no offer in this row')
    return offer
  }

  const written = new Float64Array(measureCount)

  const write = (row: number, offer: SignedOffer): boolean => {
    const { resources, runtimes, network, gpus, price, expiresAt, term, maintenance } = offer.record
    offers[row] = offer
    const hasTerms = term !== undefined || (maintenance ?? []).length > 0
    states[row] = hasTerms ? (states[row] ?? 0) | termsBit : (states[row] ?? 0) & ~termsBit
    prices[row] = Number(price.nanoUsd)
    let vramBytes = gpus[0]?.vramBytes ?? 0
    for (const gpu of gpus) if (gpu.vramBytes < vramBytes) vramBytes = gpu.vramBytes
    written[0] = resources.cpuMilli
    written[1] = resources.memoryBytes
    written[2] = resources.diskBytes
    written[3] = resources.gpuCount
    written[4] = vramBytes
    written[5] = network?.downMbps ?? 0
    written[6] = network?.upMbps ?? 0
    written[7] = expiresAt
    const at = row * measureCount
    let isChanged = false
    for (let index = 0; index < measureCount; index++) {
      const measure = written[index] ?? 0
      if (measures[at + index] === measure) continue
      measures[at + index] = measure
      isChanged = true
    }
    // The row may have been another offer's.
    codes[row] = sizeCode(measures, at) | runtimeCode(runtimeBits(runtimes))
    return isChanged
  }

  return {
    terms,
    add: (offer, tokens) => {
      const row = vacant.pop() ?? offers.length
      if (row >= room) {
        room += room >> 1
        measures = grow(measures, new Float64Array(room * measureCount))
        prices = grow(prices, new Float64Array(room))
        columns = grow(columns, new Int32Array(room * columnCount))
        codes = grow(codes, new Int32Array(room))
        traits = grow(traits, new Int32Array(room))
        states = grow(states, new Uint8Array(room))
      }
      write(row, offer)
      termsOf(offer).forEach((term, column) => {
        columns[row * columnCount + column] = terms.use(term)
      })
      const at = row * columnCount
      traits[row] = traitCode(columns[at] ?? 0, columns[at + 1] ?? 0, columns[at + 2] ?? 0, tokens)
      return row
    },
    write,
    remove: (row) => {
      for (let column = 0; column < columnCount; column++) terms.release(columns[row * columnCount + column] ?? 0)
      offers[row] = undefined
      vacant.push(row)
    },
    isOpen: (row) => ((states[row] ?? 0) & openBit) !== 0,
    setOpen: (row, isOpen) => {
      states[row] = isOpen ? (states[row] ?? 0) | openBit : (states[row] ?? 0) & ~openBit
    },
    hasTerms: (row) => ((states[row] ?? 0) & termsBit) !== 0,
    offer: offerOf,
    priceOf: (row) => prices[row] ?? 0,
    codeOf: (row) => codes[row] ?? 0,
    traitsOf: (row) => traits[row] ?? 0,
    compare: (a, b) => {
      if (a === b) return 0
      const difference = (prices[a] ?? 0) - (prices[b] ?? 0)
      if (difference !== 0) return difference
      const [first, second] = [offerOf(a).record, offerOf(b).record]
      if (first.price.nanoUsd !== second.price.nanoUsd) return first.price.nanoUsd < second.price.nanoUsd ? -1 : 1
      if (first.id !== second.id) return first.id < second.id ? -1 : 1
      if (first.provider !== second.provider) return first.provider < second.provider ? -1 : 1
      return a - b
    },
    measures: () => measures,
    term: (row, column) => columns[row * columnCount + column] ?? 0,
  }
}
