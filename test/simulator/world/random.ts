/** Chance that comes from a seed alone. */
export interface Random {
  /** In [0, 1). */
  next(): number
  /** Whole, both ends included. */
  int(min: number, max: number): number
  between(min: number, max: number): number
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  bytes(count: number): Uint8Array
  /** An independent stream: what is drawn from it changes nothing here. */
  fork(name: string): Random
}

/** FNV-1a with a final mix (murmur3), 32 bits. */
export const hashText = (text: string, from = 0x811c9dc5): number => {
  let hash = from
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** sfc32 by Chris Doty-Humphrey (PractRand), started from a name. */
export const createRandom = (name: string): Random => {
  let [a, b, c, d] = [hashText(name), hashText(name, 0x9e3779b9), hashText(name, 0x243f6a88), 1]
  const word = (): number => {
    const sum = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let i = 0; i < 12; i++) word()
  const next = () => word() / 2 ** 32
  return {
    next,
    int: (min, max) => min + Math.floor(next() * (max - min + 1)),
    between: (min, max) => min + next() * (max - min),
    chance: (probability) => next() < probability,
    pick: <Item>(items: readonly Item[]) => {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new RangeError('nothing to pick from')
      return item
    },
    bytes: (count) => {
      const bytes = new Uint8Array(count)
      for (let i = 0; i < count; i += 4) {
        const drawn = word()
        bytes[i] = drawn
        if (i + 1 < count) bytes[i + 1] = drawn >>> 8
        if (i + 2 < count) bytes[i + 2] = drawn >>> 16
        if (i + 3 < count) bytes[i + 3] = drawn >>> 24
      }
      return bytes
    },
    fork: (part) => createRandom(`${name}/${part}`),
  }
}
