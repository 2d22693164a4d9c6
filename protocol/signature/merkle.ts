import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'

const leafPrefix = 0x00
const nodePrefix = 0x01

/** Leaf of a record in a batch: SHA-256(0x00 ‖ digest ‖ kind). */
export const merkleLeaf = (kind: string, digest: Uint8Array): Uint8Array => {
  const text = utf8ToBytes(kind)
  const bytes = new Uint8Array(33 + text.length)
  bytes[0] = leafPrefix
  bytes.set(digest, 1)
  bytes.set(text, 33)
  return sha256(bytes)
}

const isBefore = (a: Uint8Array, b: Uint8Array): boolean => {
  for (let i = 0; i < 32; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** Inner node: SHA-256(0x01 ‖ smaller child ‖ larger child), so that a path needs no left and right. */
export const merkleNode = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(65)
  bytes[0] = nodePrefix
  const [first, second] = isBefore(a, b) ? [a, b] : [b, a]
  bytes.set(first, 1)
  bytes.set(second, 33)
  return sha256(bytes)
}

export interface MerkleTree {
  readonly root: Uint8Array
  /** For each leaf its siblings from the bottom up. */
  readonly paths: readonly (readonly Uint8Array[])[]
}

/** The tree over at least one leaf; a node without a sibling moves up unchanged. */
export const merkleTree = (leaves: readonly Uint8Array[]): MerkleTree => {
  const paths: Uint8Array[][] = leaves.map(() => [])
  let level = leaves
  let span = 1
  while (level.length > 1) {
    const next: Uint8Array[] = []
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

/** The root that a leaf and its path lead to. */
export const merkleRoot = (leaf: Uint8Array, path: readonly Uint8Array[]): Uint8Array => path.reduce(merkleNode, leaf)
