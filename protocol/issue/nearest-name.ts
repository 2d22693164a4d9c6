/** Letters to insert, remove, replace or swap with their neighbour to make one text of the other (optimal string alignment). */
const editDistance = (from: string, to: string): number => {
  let before: readonly number[] = []
  let row: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let at = 0; at < from.length; at++) {
    const next = [at + 1]
    for (let index = 1; index <= to.length; index++) {
      const replaced = (row[index - 1] ?? 0) + (to[index - 1] === from[at] ? 0 : 1)
      const isSwap = at > 0 && index > 1 && to[index - 1] === from[at - 1] && to[index - 2] === from[at]
      const swapped = isSwap ? (before[index - 2] ?? 0) + 1 : replaced
      next.push(Math.min(replaced, swapped, (row[index] ?? 0) + 1, (next[index - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[to.length] ?? 0
}

const leastPart = 3
const longestName = 64

/** How far apart two names are, case aside; `undefined` where they are too far apart for one to be meant by the other. */
const slipOf = (written: string, known: string): number | undefined => {
  const [from, to] = [written.toLowerCase(), known.toLowerCase()]
  const distance = editDistance(from, to)
  const [short, long] = from.length < to.length ? [from, to] : [to, from]
  if (short.length >= leastPart && long.includes(short)) return distance
  return distance <= Math.max(1, Math.floor(from.length / 3)) ? distance : undefined
}

/** The one of `names` that was probably meant: a slip or two away, or a part of the other. Of equals the first. */
export const nearestName = (written: string, names: Iterable<string>): string | undefined => {
  if (written.length < 2 || written.length > longestName) return undefined
  let nearest: { readonly name: string; readonly slips: number } | undefined
  for (const name of names) {
    const slips = slipOf(written, name)
    if (slips !== undefined && (nearest === undefined || slips < nearest.slips)) nearest = { name, slips }
  }
  return nearest?.name
}
