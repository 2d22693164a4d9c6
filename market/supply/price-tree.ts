import { reaches } from './size-code.ts'
import { mayBe, type TraitNeed } from './trait-code.ts'

/** How many numbers of a row are summed up: the largest of each below a node lets a search pass the node by. */
export const measureCount = 8

/** What the tree asks of the rows it orders. */
export interface PricedRows {
  /** Nano-dollars, as near as a double comes: never above another's that is dearer. */
  priceOf(row: number): number
  /** Below zero where the first comes before the second: by exact price, then by id. */
  compare(a: number, b: number): number
  /** The measures as `sizeCode` packs them. */
  codeOf(row: number): number
  /** What the row is, as `traitCode` packs it: the same as long as the row is in. */
  traitsOf(row: number): number
  /** `measureCount` numbers for each row, from `row * measureCount` on. */
  measures(): Float64Array
}

interface Leaf {
  readonly isLeaf: true
  readonly rows: number[]
  readonly prices: number[]
  readonly codes: number[]
  readonly traits: number[]
  /** No row below has more. It may lie above what there is, until rows that left are counted out. */
  readonly most: number[]
  /** Rows that left or changed since `most` was exact. */
  stale: number
}

interface Branch {
  readonly isLeaf: false
  readonly children: Node[]
  readonly most: number[]
  stale: number
}

type Node = Leaf | Branch

const leafSize = 96
const branchSize = 48

/** What a search asks of a row. */
export interface Need {
  readonly measures: Float64Array
  readonly code: number
  readonly traits: TraitNeed
  readonly mostPrice: number
}

/** Where a search through a tree stands. */
export interface Cursor {
  readonly branches: Branch[]
  /** The next child to look at of each branch. */
  readonly at: number[]
  leaf: Leaf | undefined
  index: number
}

/** Rows ordered by price, then by id: in, out and the next that meets a need, each in logarithmic time. */
export interface PriceTree {
  insert(row: number): void
  /** Takes a row out that is in, with the price it was put in with. */
  remove(row: number): void
  /** Looks at the row again, whose measures have changed and whose place has not. */
  remeasure(row: number): void
  size(): number
  /** The price of the first row; infinite where there is none. */
  lowest(): number
  /** Whether every measure needed is there somewhere. */
  mayMeet(need: Need): boolean
  /** A search from the start, or from behind a place: the rows `isBefore` says are past are passed over. */
  open(isPast?: (row: number) => boolean): Cursor
  /** The next row that is not too dear and passes `fits`, which looks at its measures; -1 where there is none. */
  next(cursor: Cursor, need: Need, fits: (row: number) => boolean): number
}

const noMeasures = (): number[] => Array.from({ length: measureCount }, () => -Infinity)

const makeLeaf = (rows: number[], prices: number[], codes: number[], traits: number[]): Leaf => ({
  isLeaf: true,
  rows,
  prices,
  codes,
  traits,
  most: noMeasures(),
  stale: 0,
})

const makeBranch = (children: Node[]): Branch => ({ isLeaf: false, children, most: noMeasures(), stale: 0 })

const insertAt = (list: number[], at: number, value: number): void => {
  list.push(value)
  for (let index = list.length - 1; index > at; index--) list[index] = list[index - 1] ?? 0
  list[at] = value
}

const removeAt = (list: number[], at: number): void => {
  for (let index = at + 1; index < list.length; index++) list[index - 1] = list[index] ?? 0
  list.pop()
}

const isShort = (most: readonly number[], needs: Float64Array): boolean => {
  for (let index = 0; index < measureCount; index++) if ((most[index] ?? 0) < (needs[index] ?? 0)) return true
  return false
}

const firstRow = (node: Node): number => {
  let at = node
  while (!at.isLeaf) at = at.children[0] ?? makeLeaf([], [], [], [])
  return at.rows[0] ?? -1
}

const firstPrice = (node: Node): number => {
  let at = node
  while (!at.isLeaf) at = at.children[0] ?? makeLeaf([], [], [], [])
  return at.prices[0] ?? Infinity
}

const sizeOf = (node: Node): number => (node.isLeaf ? node.rows.length : node.children.length)
const roomOf = (node: Node): number => (node.isLeaf ? leafSize : branchSize)

/** A B+ tree whose nodes know the largest measures below them. */
export const createPriceTree = (table: PricedRows): PriceTree => {
  let root: Node = makeLeaf([], [], [], [])
  let size = 0
  let lowest = Infinity

  const raise = (most: number[], row: number): void => {
    const measures = table.measures()
    for (let index = 0, from = row * measureCount; index < measureCount; index++, from++) {
      const found = measures[from] ?? 0
      if (found > (most[index] ?? 0)) most[index] = found
    }
  }

  const measure = (node: Node): void => {
    node.most.fill(-Infinity)
    node.stale = 0
    if (node.isLeaf) for (const row of node.rows) raise(node.most, row)
    else {
      for (const child of node.children) {
        for (let index = 0; index < measureCount; index++)
          node.most[index] = Math.max(node.most[index] ?? 0, child.most[index] ?? 0)
      }
    }
  }

  /** Counts what left a node out of its `most`, now and then: until then it is too large, which costs time and no answer. */
  const wear = (node: Node): void => {
    node.stale++
    if (node.stale > (node.isLeaf ? leafSize / 4 : branchSize)) measure(node)
  }

  /** Where the row is in the leaf or would be. */
  const placeIn = ({ rows, prices }: Leaf, row: number, price: number): number => {
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const found = prices[middle] ?? 0
      const isBefore = found < price || (found === price && table.compare(rows[middle] ?? 0, row) < 0)
      if (isBefore) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The child that has the row or would have it: the last that does not begin behind it. */
  const childFor = ({ children }: Branch, row: number, price: number): number => {
    let low = 1
    let high = children.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const child = children[middle] ?? root
      const found = firstPrice(child)
      const isBehind = found > price || (found === price && table.compare(firstRow(child), row) > 0)
      if (isBehind) high = middle
      else low = middle + 1
    }
    return low - 1
  }

  const split = (node: Node): Node => {
    const half = sizeOf(node) >>> 1
    const other = node.isLeaf
      ? makeLeaf(node.rows.splice(half), node.prices.splice(half), node.codes.splice(half), node.traits.splice(half))
      : makeBranch(node.children.splice(half))
    measure(node)
    measure(other)
    return other
  }

  const insertInto = (node: Node, row: number, price: number): void => {
    raise(node.most, row)
    if (node.isLeaf) {
      const at = placeIn(node, row, price)
      insertAt(node.rows, at, row)
      insertAt(node.prices, at, price)
      insertAt(node.codes, at, table.codeOf(row))
      insertAt(node.traits, at, table.traitsOf(row))
      return
    }
    const at = childFor(node, row, price)
    const child = node.children[at] ?? root
    insertInto(child, row, price)
    if (sizeOf(child) > roomOf(child)) node.children.splice(at + 1, 0, split(child))
  }

  /** Drops a child that is empty, and joins one that is nearly so to its neighbour. */
  const tidy = (branch: Branch, at: number): void => {
    const child = branch.children[at]
    if (child === undefined) return
    if (sizeOf(child) === 0) return void branch.children.splice(at, 1)
    if (sizeOf(child) > roomOf(child) / 4) return
    const left = at > 0 ? at - 1 : at
    const [first, second] = [branch.children[left], branch.children[left + 1]]
    if (first === undefined || second === undefined || sizeOf(first) + sizeOf(second) > roomOf(first) / 2) return
    if (first.isLeaf && second.isLeaf) {
      first.rows.push(...second.rows)
      first.prices.push(...second.prices)
      first.codes.push(...second.codes)
      first.traits.push(...second.traits)
    } else if (!first.isLeaf && !second.isLeaf) first.children.push(...second.children)
    branch.children.splice(left + 1, 1)
    measure(first)
  }

  const removeFrom = (node: Node, row: number, price: number): void => {
    if (node.isLeaf) {
      const at = placeIn(node, row, price)
      if (node.rows[at] !== row) throw new Error('the row is not where its price says')
      removeAt(node.rows, at)
      removeAt(node.prices, at)
      removeAt(node.codes, at)
      removeAt(node.traits, at)
    } else {
      const at = childFor(node, row, price)
      removeFrom(node.children[at] ?? root, row, price)
      tidy(node, at)
    }
    wear(node)
  }

  const remeasureIn = (node: Node, row: number, price: number): void => {
    raise(node.most, row)
    if (node.isLeaf) node.codes[placeIn(node, row, price)] = table.codeOf(row)
    else remeasureIn(node.children[childFor(node, row, price)] ?? root, row, price)
    wear(node)
  }

  return {
    insert: (row) => {
      const price = table.priceOf(row)
      if (price < lowest) lowest = price
      insertInto(root, row, price)
      size++
      if (sizeOf(root) <= roomOf(root)) return
      const first = root
      root = makeBranch([first, split(first)])
      measure(root)
    },
    remove: (row) => {
      const price = table.priceOf(row)
      removeFrom(root, row, price)
      size--
      while (!root.isLeaf && root.children.length <= 1) root = root.children[0] ?? makeLeaf([], [], [], [])
      if (price === lowest) lowest = firstPrice(root)
    },
    remeasure: (row) => remeasureIn(root, row, table.priceOf(row)),
    size: () => size,
    lowest: () => lowest,
    mayMeet: (need) => !isShort(root.most, need.measures),
    open: (isPast) => {
      const cursor: Cursor = { branches: [], at: [], leaf: undefined, index: 0 }
      let node = root
      while (!node.isLeaf) {
        const { children } = node
        let at = 0
        if (isPast !== undefined) {
          let high = children.length
          for (at = 1; at < high;) {
            const middle = (at + high) >>> 1
            if (isPast(firstRow(children[middle] ?? root))) at = middle + 1
            else high = middle
          }
          at--
        }
        cursor.branches.push(node)
        cursor.at.push(at + 1)
        node = children[at] ?? makeLeaf([], [], [], [])
      }
      cursor.leaf = node
      while (isPast !== undefined && cursor.index < node.rows.length && isPast(node.rows[cursor.index] ?? 0)) {
        cursor.index++
      }
      return cursor
    },
    next: (cursor, { measures, code, traits: wanted, mostPrice }, fits) => {
      for (;;) {
        const { leaf, branches, at } = cursor
        if (leaf !== undefined) {
          const { rows, prices, codes, traits } = leaf
          for (let index = cursor.index; index < rows.length; index++) {
            if (!reaches(codes[index] ?? 0, code) || !mayBe(traits[index] ?? 0, wanted)) continue
            if ((prices[index] ?? 0) > mostPrice) {
              cursor.index = index
              return -1
            }
            const row = rows[index] ?? 0
            if (!fits(row)) continue
            cursor.index = index + 1
            return row
          }
          cursor.leaf = undefined
        }
        const depth = branches.length - 1
        const branch = branches[depth]
        if (branch === undefined) return -1
        const next = at[depth] ?? 0
        at[depth] = next + 1
        const child = branch.children[next]
        if (child === undefined) {
          branches.pop()
          at.pop()
        } else if (isShort(child.most, measures)) continue
        else if (child.isLeaf) {
          if ((child.prices[0] ?? 0) > mostPrice) return -1
          cursor.leaf = child
          cursor.index = 0
        } else {
          branches.push(child)
          at.push(0)
        }
      }
    },
  }
}
