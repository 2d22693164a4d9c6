import { runtimeKinds, type RuntimeKind, type SignedOffer } from '@muster/protocol'
import { gpuKindOf } from './gpu-kind.ts'
import { measureCount } from './price-tree.ts'
import { sizeCode } from './size-code.ts'
import { traitCode } from './trait-code.ts'
import { createTermTable, type TermTable } from './term-table.ts'

/** Offers as rows of numbers: what a search looks at first lies together, and every offer is kept once. */
export interface OfferRows {
  /** Of regions, countries, exec specs and kinds of GPU. */
  readonly terms: TermTable
  /** With the tokens it may be found by, beside its terms. */
  add(offer: SignedOffer, tokens: readonly string[]): number
  /** Puts an offer with the same terms in the place of a row's. */
  write(row: number, offer: SignedOffer): void
  remove(row: number): void
  offer(row: number): SignedOffer
  price(row: number): number
  compare(a: number, b: number): number
  code(row: number): number
  traits(row: number): number
  measures(): Float64Array
  /** The number of the term in this column. */
  term(row: number, column: TermColumn): number
}

/** The columns of terms. */
export const termColumns = { region: 0, country: 1, execSpec: 2, gpuKind: 3 } as const
export type TermColumn = (typeof termColumns)[keyof typeof termColumns]
const columnCount = 4
const firstRoom = 256

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

const grow = <List extends Float64Array | Int32Array>(list: List, made: List): List => {
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

  const offerOf = (row: number): SignedOffer => {
    const offer = offers[row]
    if (offer === undefined) throw new Error('there is no offer in this row')
    return offer
  }

  const write = (row: number, offer: SignedOffer): void => {
    const { resources, network, gpus, price, expiresAt } = offer.record
    offers[row] = offer
    prices[row] = Number(price.nanoUsd)
    let vramBytes = gpus[0]?.vramBytes ?? 0
    for (const gpu of gpus) if (gpu.vramBytes < vramBytes) vramBytes = gpu.vramBytes
    const at = row * measureCount
    measures[at] = resources.cpuMilli
    measures[at + 1] = resources.memoryBytes
    measures[at + 2] = resources.diskBytes
    measures[at + 3] = resources.gpuCount
    measures[at + 4] = vramBytes
    measures[at + 5] = network?.downMbps ?? 0
    measures[at + 6] = network?.upMbps ?? 0
    measures[at + 7] = expiresAt
    codes[row] = sizeCode(measures, at)
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
    offer: offerOf,
    price: (row) => prices[row] ?? 0,
    code: (row) => codes[row] ?? 0,
    traits: (row) => traits[row] ?? 0,
    compare: (a, b) => {
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
