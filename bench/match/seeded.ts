/** Draws that are the same in every run. */
export interface Draws {
  /** Below 1, from 0 on. */
  share(): number
  /** Whole, from `least` to `most`. */
  whole(least: number, most: number): number
  pick<Item>(items: readonly Item[]): Item
  /** Items with a `weight` each. */
  weighted<Item extends { readonly weight: number }>(items: readonly Item[]): Item
  /** Log-normal around 1. */
  spread(sigma: number): number
}

/** Mulberry32: 32 bits of state, good enough for a mix. */
export const createDraws = (seed: number): Draws => {
  let state = seed
  const share = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(share() * items.length)]
    if (item === undefined) throw new TypeError('nothing to pick from')
    return item
  }
  return {
    share,
    pick,
    whole: (least, most) => least + Math.floor(share() * (most - least + 1)),
    weighted: (items) => {
      let left = share() * items.reduce((sum, { weight }) => sum + weight, 0)
      for (const item of items) {
        left -= item.weight
        if (left <= 0) return item
      }
      return pick(items)
    },
    spread: (sigma) => Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - share())) * Math.cos(2 * Math.PI * share())),
  }
}
