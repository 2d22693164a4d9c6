import { createLeafPages, pageRows } from './leaf-pages.ts'
import { hasRuntime, largest, reaches } from './size-code.ts'
import { mayBe, type TraitNeed } from './trait-code.ts'

/** What the tree asks of the rows it orders. */
export interface PricedRows {
  /** Nano-dollars, as near as a double comes: never above another's that is dearer. */
  priceOf(row: number): number
  /** Below zero where the first comes before the second: by exact price, then by id. */
  compare(a: number, b: number): number
  /** The measures and runtimes as `sizeCode` and `runtimeCode` pack them; another when a row is written again. */
  codeOf(row: number): number
  /** What the row is, as `traitCode` packs it: the same as long as the row is in. */
  traitsOf(row: number): number
}

interface Leaf {
  readonly isLeaf: true
  /** Of the rows in it. */
  readonly page: number
  size: number
  /** The largest of each size below, as `sizeCode` packs them. It may lie above what there is, until rows that left are counted out. */
  most: number
  /** Rows that left or changed since `most` was exact. */
  stale: number
}

interface Branch {
  readonly isLeaf: false
  readonly children: Node[]
  /** For each child but the first: no price in it is lower, none before it higher. */
  readonly keys: number[]
  /** `most` of each child. */
  readonly mosts: number[]
  most: number
  stale: number
}

type Node = Leaf | Branch

const leafSize = pageRows - 1
const branchSize = 48

/** What a search asks of a row. */
export interface Need {
  /** At least so much of each measure, and packed by `sizeCode`. */
  readonly measures: Float64Array
  readonly code: number
  /** Of which a row must have one, packed by `runtimeCode`; 0 where any will do. */
  readonly runtimes: number
  readonly traits: TraitNeed
  readonly mostPrice: number
}

/** Where a search through a tree stands. It may be used again for another. */
export interface Cursor {
  readonly branches: Branch[]
  /** The next child to look at of each branch. */
  readonly at: number[]
  leaf: Leaf | undefined
  index: number
  /** Of the row that was found last. */
  price: number
}

export const makeCursor = (): Cursor => ({ branches: [], at: [], leaf: undefined, index: 0, price: 0 })

/** Rows ordered by price, then by id, in nodes that know the largest measures below them. */
export interface PriceTree {
  root: Node
  size: number
  /** The price of the first row; infinite where there is none. */
  lowest: number
}

/** Takes rows in and out of trees, and finds the next that meets a need, each in logarithmic time. */
export interface PriceTrees {
  plant(): PriceTree
  /** Ends a tree that is empty. */
  uproot(tree: PriceTree): void
  insert(tree: PriceTree, row: number): void
  /** Takes a row out that is in, with the price it was put in with. */
  remove(tree: PriceTree, row: number): void
  /** Looks at the row again, whose measures have changed and whose place has not. */
  remeasure(tree: PriceTree, row: number): void
  /** Begins a search at the start, or behind a place: the rows `isPast` says are past are passed over. */
  open(tree: PriceTree, cursor: Cursor, isPast?: (row: number) => boolean): void
  /** The next row that is not too dear and passes `fits`, which looks at its measures; -1 where there is none. */
  next(cursor: Cursor, need: Need, fits: (row: number) => boolean): number
}

const makeLeaf = (page: number): Leaf => ({ isLeaf: true, page, size: 0, most: 0, stale: 0 })
const makeBranch = (children: Node[], keys: number[]): Branch => ({
  isLeaf: false,
  children,
  keys,
  mosts: children.map(({ most }) => most),
  most: 0,
  stale: 0,
})

/** In place of a child that is always there. */
const nowhere: Node = makeLeaf(-1)

const firstLeaf = (node: Node): Leaf => {
  let at = node
  while (!at.isLeaf) at = at.children[0] ?? nowhere
  return at
}

const sizeOf = (node: Node): number => (node.isLeaf ? node.size : node.children.length)
const roomOf = (node: Node): number => (node.isLeaf ? leafSize : branchSize)

/** B+ trees of the rows of one table. */
export const createPriceTrees = (table: PricedRows): PriceTrees => {
  const pages = createLeafPages()

  const firstRow = (node: Node): number => {
    const { page, size } = firstLeaf(node)
    return size === 0 ? -1 : (pages.rows[page * pageRows] ?? -1)
  }

  const firstPrice = (node: Node): number => {
    const { page, size } = firstLeaf(node)
    return size === 0 ? Infinity : (pages.prices[page * pageRows] ?? Infinity)
  }

  const measure = (node: Node): void => {
    let most = 0
    if (node.isLeaf) {
      const from = node.page * pageRows
      for (let at = from; at < from + node.size; at++) most = largest(most, pages.codes[at] ?? 0)
    } else for (const below of node.mosts) most = largest(most, below)
    node.most = most
    node.stale = 0
  }

  /** Counts what left a node out of its `most`, now and then: until then it is too large, which costs time and no answer. */
  const wear = (node: Node): void => {
    node.stale++
    if (node.stale > (node.isLeaf ? leafSize / 4 : branchSize)) measure(node)
  }

  /** Where the row is in the leaf or would be. */
  const placeIn = ({ page, size }: Leaf, row: number, price: number): number => {
    const from = page * pageRows
    const { prices, rows } = pages
    let low = 0
    let high = size
    while (low < high) {
      const middle = (low + high) >>> 1
      const found = prices[from + middle] ?? 0
      const isFound = found < price || (found === price && table.compare(rows[from + middle] ?? 0, row) < 0)
      if (isFound) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Whether the row comes before all of a node. */
  const isBefore = (row: number, price: number, node: Node): boolean => {
    const first = firstPrice(node)
    return first > price || (first === price && table.compare(firstRow(node), row) > 0)
  }

  /** The child that has the row or would have it: the last that does not begin behind it. */
  const childFor = ({ children, keys }: Branch, row: number, price: number): number => {
    let low = 1
    let high = children.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const key = keys[middle] ?? Infinity
      const isBehind = key > price || (key === price && isBefore(row, price, children[middle] ?? nowhere))
      if (isBehind) high = middle
      else low = middle + 1
    }
    return low - 1
  }

  const split = (node: Node): Node => {
    const half = sizeOf(node) >>> 1
    let other: Node
    if (node.isLeaf) {
      other = makeLeaf(pages.take())
      pages.copy(node.page, half, node.size, other.page, 0)
      other.size = node.size - half
      node.size = half
    } else {
      other = makeBranch(node.children.splice(half), node.keys.splice(half))
      node.mosts.length = half
    }
    measure(node)
    measure(other)
    return other
  }

  const insertInto = (node: Node, row: number, price: number): void => {
    const code = table.codeOf(row)
    node.most = largest(node.most, code)
    if (node.isLeaf) {
      const at = placeIn(node, row, price)
      pages.shiftUp(node.page, at, node.size)
      const to = node.page * pageRows + at
      pages.rows[to] = row
      pages.prices[to] = price
      pages.codes[to] = code
      pages.traits[to] = table.traitsOf(row)
      node.size++
      return
    }
    const at = childFor(node, row, price)
    const child = node.children[at] ?? nowhere
    insertInto(child, row, price)
    if (sizeOf(child) > roomOf(child)) {
      const other = split(child)
      node.children.splice(at + 1, 0, other)
      node.keys.splice(at + 1, 0, firstPrice(other))
      node.mosts.splice(at + 1, 0, other.most)
    }
    node.mosts[at] = child.most
  }

  const dropChild = ({ children, keys, mosts }: Branch, at: number): void => {
    const [child] = children.splice(at, 1)
    if (child?.isLeaf === true) pages.giveBack(child.page)
    keys.splice(at, 1)
    mosts.splice(at, 1)
  }

  /** Drops a child that is empty, and joins one that is nearly so to its neighbour. */
  const tidy = (branch: Branch, at: number): void => {
    const child = branch.children[at]
    if (child === undefined) return
    if (sizeOf(child) === 0) return dropChild(branch, at)
    if (sizeOf(child) > roomOf(child) / 4) return
    const left = at > 0 ? at - 1 : at
    const [first, second] = [branch.children[left], branch.children[left + 1]]
    if (first === undefined || second === undefined || sizeOf(first) + sizeOf(second) > roomOf(first) / 2) return
    if (first.isLeaf && second.isLeaf) {
      pages.copy(second.page, 0, second.size, first.page, first.size)
      first.size += second.size
    } else if (!first.isLeaf && !second.isLeaf) {
      // The first key of a branch says nothing: that of its place does.
      first.keys.push(branch.keys[left + 1] ?? 0, ...second.keys.slice(1))
      first.children.push(...second.children)
      first.mosts.push(...second.mosts)
    }
    dropChild(branch, left + 1)
    measure(first)
    branch.mosts[left] = first.most
  }

  const removeFrom = (node: Node, row: number, price: number): void => {
    if (node.isLeaf) {
      const at = placeIn(node, row, price)
      if (at === node.size || pages.rows[node.page * pageRows + at] !== row)
        throw new Error('the row is not where its price says')
      pages.shiftDown(node.page, at, node.size)
      node.size--
    } else {
      const at = childFor(node, row, price)
      const child = node.children[at] ?? nowhere
      removeFrom(child, row, price)
      node.mosts[at] = child.most
      tidy(node, at)
    }
    wear(node)
  }

  const remeasureIn = (node: Node, row: number, price: number): void => {
    const code = table.codeOf(row)
    node.most = largest(node.most, code)
    if (node.isLeaf) pages.codes[node.page * pageRows + placeIn(node, row, price)] = code
    else {
      const at = childFor(node, row, price)
      const child = node.children[at] ?? nowhere
      remeasureIn(child, row, price)
      node.mosts[at] = child.most
    }
    wear(node)
  }

  return {
    plant: () => ({ root: makeLeaf(pages.take()), size: 0, lowest: Infinity }),
    uproot: ({ root }) => {
      if (root.isLeaf) pages.giveBack(root.page)
    },
    insert: (tree, row) => {
      const price = table.priceOf(row)
      if (price < tree.lowest) tree.lowest = price
      insertInto(tree.root, row, price)
      tree.size++
      if (sizeOf(tree.root) <= roomOf(tree.root)) return
      const first = tree.root
      const other = split(first)
      tree.root = makeBranch([first, other], [0, firstPrice(other)])
      measure(tree.root)
    },
    remove: (tree, row) => {
      const price = table.priceOf(row)
      removeFrom(tree.root, row, price)
      tree.size--
      while (!tree.root.isLeaf && tree.root.children.length <= 1)
        tree.root = tree.root.children[0] ?? makeLeaf(pages.take())
      if (price === tree.lowest) tree.lowest = firstPrice(tree.root)
    },
    remeasure: (tree, row) => remeasureIn(tree.root, row, table.priceOf(row)),
    open: (tree, cursor, isPast) => {
      cursor.branches.length = 0
      cursor.at.length = 0
      cursor.index = 0
      let node = tree.root
      while (!node.isLeaf) {
        const { children } = node
        let at = 0
        if (isPast !== undefined) {
          let high = children.length
          for (at = 1; at < high;) {
            const middle = (at + high) >>> 1
            if (isPast(firstRow(children[middle] ?? nowhere))) at = middle + 1
            else high = middle
          }
          at--
        }
        cursor.branches.push(node)
        cursor.at.push(at + 1)
        node = children[at] ?? nowhere
      }
      cursor.leaf = node
      const from = node.page * pageRows
      while (isPast !== undefined && cursor.index < node.size && isPast(pages.rows[from + cursor.index] ?? 0)) {
        cursor.index++
      }
    },
    next: (cursor, { code, runtimes, traits: wanted, mostPrice }, fits) => {
      for (;;) {
        const { leaf, branches, at } = cursor
        if (leaf !== undefined) {
          const { rows, prices, codes, traits } = pages
          const from = leaf.page * pageRows
          const end = from + leaf.size
          for (let index = from + cursor.index; index < end; index++) {
            const found = codes[index] ?? 0
            if (!reaches(found, code) || !hasRuntime(found, runtimes) || !mayBe(traits[index] ?? 0, wanted)) continue
            const price = prices[index] ?? 0
            cursor.index = index - from
            if (price > mostPrice) return -1
            const row = rows[index] ?? 0
            if (!fits(row)) continue
            cursor.index++
            cursor.price = price
            return row
          }
          cursor.leaf = undefined
        }
        const depth = branches.length - 1
        const branch = branches[depth]
        if (branch === undefined) return -1
        const next = at[depth] ?? 0
        at[depth] = next + 1
        const most = branch.mosts[next]
        if (most === undefined) {
          branches.pop()
          at.pop()
          continue
        }
        if (next > 0 && (branch.keys[next] ?? 0) > mostPrice) return -1
        if (!reaches(most, code) || !hasRuntime(most, runtimes)) continue
        const child = branch.children[next] ?? nowhere
        if (child.isLeaf) {
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
