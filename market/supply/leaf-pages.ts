/** Rows of a page; a leaf that has so many is split. */
export const pageRows = 64

/** The leaves of all trees of an index, each a page of the same few lists: a search reads them one after another. */
export interface LeafPages {
  /** Where row `index` of page `page` is, in each list: `page * pageRows + index`. */
  rows: Int32Array
  prices: Float64Array
  codes: Int32Array
  traits: Int32Array
  take(): number
  giveBack(page: number): void
  /** Makes room before `at` for one more, of so many. */
  shiftUp(page: number, at: number, size: number): void
  /** Closes the gap at `at`, of so many. */
  shiftDown(page: number, at: number, size: number): void
  /** Copies the rows from `start` to `end` to another page, where they begin at `at`. */
  copy(page: number, start: number, end: number, to: number, at: number): void
}

const grow = <List extends Float64Array | Int32Array>(list: List, made: List): List => {
  made.set(list)
  return made
}

export const createLeafPages = (): LeafPages => {
  let room = 16 * pageRows
  let taken = 0
  const vacant: number[] = []

  const move = (from: number, end: number, to: number): void => {
    pages.rows.copyWithin(to, from, end)
    pages.prices.copyWithin(to, from, end)
    pages.codes.copyWithin(to, from, end)
    pages.traits.copyWithin(to, from, end)
  }

  const pages: LeafPages = {
    rows: new Int32Array(room),
    prices: new Float64Array(room),
    codes: new Int32Array(room),
    traits: new Int32Array(room),
    take: () => {
      const known = vacant.pop()
      if (known !== undefined) return known
      const page = taken++
      if (page * pageRows < room) return page
      room += room >> 1
      room -= room % pageRows
      pages.rows = grow(pages.rows, new Int32Array(room))
      pages.prices = grow(pages.prices, new Float64Array(room))
      pages.codes = grow(pages.codes, new Int32Array(room))
      pages.traits = grow(pages.traits, new Int32Array(room))
      return page
    },
    giveBack: (page) => void vacant.push(page),
    shiftUp: (page, at, size) => {
      const from = page * pageRows
      move(from + at, from + size, from + at + 1)
    },
    shiftDown: (page, at, size) => {
      const from = page * pageRows
      move(from + at + 1, from + size, from + at)
    },
    copy: (page, start, end, to, at) => move(page * pageRows + start, page * pageRows + end, to * pageRows + at),
  }
  return pages
}
