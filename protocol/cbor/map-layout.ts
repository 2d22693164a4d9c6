import { majorMap, writeHead, type Output } from './output.ts'
import { writeText } from './write-text.ts'

/** How a map with certain keys is written. */
interface MapLayout {
  /** The keys as the map has them. */
  readonly keys: readonly string[]
  /** The keys as they are written. */
  readonly ordered: readonly string[]
  /** The head of the map and its encoded keys, one behind the other. */
  readonly bytes: Uint8Array
  /** Where in `bytes` the head ends, and where each key as it is written does. */
  readonly headEnd: number
  readonly keyEnds: readonly number[]
}

const utf8 = new TextEncoder()

/** RFC 8949's order of encoded keys. The length is in the head, so for text it is: shorter first, then bytewise. */
const compareEncoded = (a: string, b: string): number => {
  const [left, right] = [utf8.encode(a), utf8.encode(b)]
  if (left.length !== right.length) return left.length - right.length
  for (let i = 0; i < left.length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const makeLayout = (keys: readonly string[]): MapLayout => {
  const ordered = keys.toSorted(compareEncoded)
  const out: Output = { bytes: new Uint8Array(256), at: 0, freezes: false }
  writeHead(out, majorMap, keys.length)
  const headEnd = out.at
  const keyEnds = ordered.map((key) => {
    writeText(out, key)
    return out.at
  })
  return { keys, ordered, bytes: out.bytes.slice(0, out.at), headEnd, keyEnds }
}

/** Maps with more keys, or with longer ones, are no records; how they are written is not remembered. */
const mostKeys = 40
const mostBytes = 1024
/** When there are more layouts all are forgotten: strangers choose the keys of some maps. */
const mostLayouts = 256

const layouts: MapLayout[][] = Array.from({ length: mostKeys + 1 }, () => [])
let layoutCount = 0

const remember = (layout: MapLayout, alike: MapLayout[]): void => {
  if (layout.bytes.length > mostBytes) return
  if (layoutCount >= mostLayouts) {
    for (const each of layouts) each.length = 0
    layoutCount = 0
  }
  alike.push(layout)
  layoutCount++
}

const isFor = (layout: MapLayout, keys: readonly string[]): boolean => {
  for (let i = 0; i < keys.length; i++) if (layout.keys[i] !== keys[i]) return false
  return true
}

/** The layout of maps that have these keys in this order. It is remembered, since records of few kinds come all the time. */
export const layoutOf = (keys: readonly string[]): MapLayout => {
  const alike = layouts[keys.length]
  if (alike === undefined) return makeLayout(keys)
  for (const layout of alike) if (isFor(layout, keys)) return layout
  const made = makeLayout(keys)
  remember(made, alike)
  return made
}
