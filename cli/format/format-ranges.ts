/** Whole numbers in rising order as `0, 3–7, 9`; past `most` ranges only how many numbers are left. */
export const formatRanges = (numbers: readonly number[], most: number): string => {
  const ranges: { readonly from: number; to: number }[] = []
  for (const number of numbers) {
    const last = ranges.at(-1)
    if (last !== undefined && number === last.to + 1) last.to = number
    else ranges.push({ from: number, to: number })
  }
  const shown = ranges.slice(0, most)
  const left = ranges.slice(most).reduce((sum, { from, to }) => sum + to - from + 1, 0)
  const said = shown.map(({ from, to }) => (from === to ? `${from}` : `${from}${to === from + 1 ? ', ' : '–'}${to}`))
  return [...said, ...(left === 0 ? [] : [`… and ${left} more`])].join(', ')
}
