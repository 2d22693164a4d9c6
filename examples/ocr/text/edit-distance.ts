/** Fewest insertions, deletions and replacements of characters (code points) that turn `from` into `to` (Levenshtein). */
export const editDistance = (from: string, to: string): number => {
  const target = Array.from(to)
  let above = Array.from({ length: target.length + 1 }, (_, column) => column)
  for (const character of from) {
    const row = [(above[0] ?? 0) + 1]
    target.forEach((wanted, column) => {
      const replaced = (above[column] ?? 0) + (character === wanted ? 0 : 1)
      row.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (row[column] ?? 0) + 1))
    })
    above = row
  }
  return above[target.length] ?? 0
}
