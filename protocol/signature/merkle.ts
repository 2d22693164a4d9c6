import { utf8ToBytes } from '@noble/hashes/utils.js'
import { toHex, writeHex, type Hex } from '../digest/hex.ts'
import { sha256Hex, sha256Text } from '../digest/sha256.ts'

const leafPrefix = 0x00
const nodePrefix = 0x01
/** `0x` and the digits of 32 bytes. */
const nodeHexLength = 66

const hashHex = (bytes: Uint8Array): Hex => `0x${sha256Hex(bytes)}`

const rememberedKinds = 64
/** What is hashed for a leaf, by its kind; the digest is written into it each time. */
const leafBytes = new Map<string, Uint8Array>()

const leafBytesOf = (kind: string): Uint8Array => {
  const known = leafBytes.get(kind)
  if (known !== undefined) return known
  const text = utf8ToBytes(kind)
  const bytes = new Uint8Array(33 + text.length)
  bytes[0] = leafPrefix
  bytes.set(text, 33)
  if (leafBytes.size < rememberedKinds) leafBytes.set(kind, bytes)
  return bytes
}

const fillLeaf = (kind: string, digest: Hex): Uint8Array => {
  if (digest.length !== nodeHexLength) throw new RangeError('a digest has 32 bytes')
  const bytes = leafBytesOf(kind)
  writeHex(bytes, 1, digest)
  return bytes
}

/** Leaf of a record in a batch: SHA-256(0x00 ‖ digest ‖ kind). */
export const merkleLeaf = (kind: string, digest: Hex): Hex => hashHex(fillLeaf(kind, digest))

const nodeBytes = new Uint8Array(65)
nodeBytes[0] = nodePrefix

/** Inner node: SHA-256(0x01 ‖ smaller child ‖ larger child), so that a path needs no left and right. */
export const merkleNode = (a: Hex, b: Hex): Hex => {
  if (a.length !== nodeHexLength || b.length !== nodeHexLength) throw new RangeError('a node has 32 bytes')
  const isOrdered = a < b
  writeHex(nodeBytes, 1, isOrdered ? a : b)
  writeHex(nodeBytes, 33, isOrdered ? b : a)
  return hashHex(nodeBytes)
}

export interface MerkleTree {
  readonly root: Hex
  /** For each leaf its siblings from the bottom up. */
  readonly paths: readonly (readonly Hex[])[]
}

/** The tree over at least one leaf; a node without a sibling moves up unchanged. */
export const merkleTree = (leaves: readonly Hex[]): MerkleTree => {
  const paths: Hex[][] = leaves.map(() => [])
  let level = leaves
  let span = 1
  while (level.length > 1) {
    const next: Hex[] = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i]
      const right = level[i + 1]
      if (left === undefined) break
      if (right === undefined) {
        next.push(left)
        continue
      }
      next.push(merkleNode(left, right))
      for (let leaf = i * span; leaf < Math.min((i + 1) * span, leaves.length); leaf++) paths[leaf]?.push(right)
      for (let leaf = (i + 1) * span; leaf < Math.min((i + 2) * span, leaves.length); leaf++) paths[leaf]?.push(left)
    }
    level = next
    span *= 2
  }
  const root = level[0]
  if (root === undefined) throw new RangeError('a batch has at least one record')
  return { root, paths }
}

/** A node as `sha256Text` makes it: what costs least where no one else sees it. Nodes compare as their bytes do. */
type NodeText = string & { readonly __node: true }

/** `merkleLeaf` for `merkleRootOf`. */
export const leafText = (kind: string, digest: Hex): NodeText => sha256Text(fillLeaf(kind, digest)) as NodeText

const writeNode = (target: Uint8Array, offset: number, node: NodeText): void => {
  for (let i = 0; i < node.length; i++) target[offset + i] = node.charCodeAt(i)
}

const parentText = (a: NodeText, b: NodeText): NodeText => {
  const isOrdered = a < b
  writeNode(nodeBytes, 1, isOrdered ? a : b)
  writeNode(nodeBytes, 33, isOrdered ? b : a)
  return sha256Text(nodeBytes) as NodeText
}

/** The root of the tree over at least one leaf, without its paths. */
export const merkleRootOf = (leaves: readonly NodeText[]): Hex => {
  let level = leaves
  while (level.length > 1) {
    const next: NodeText[] = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i]
      const right = level[i + 1]
      if (left !== undefined) next.push(right === undefined ? left : parentText(left, right))
    }
    level = next
  }
  const root = level[0]
  if (root === undefined) throw new RangeError('a batch has at least one record')
  const bytes = new Uint8Array(32)
  writeNode(bytes, 0, root)
  return toHex(bytes)
}

/** The root that a leaf and its path lead to. */
export const merkleRoot = (leaf: Hex, path: readonly Hex[]): Hex => path.reduce(merkleNode, leaf)
