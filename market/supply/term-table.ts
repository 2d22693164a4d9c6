/** Texts as small numbers, for as long as anybody uses them. */
export interface TermTable {
  /** The number of a text, which it then uses once more. */
  use(text: string): number
  release(number: number): void
  /** -1 where nobody uses the text. */
  find(text: string): number
  textOf(number: number): string
}

interface Term {
  readonly number: number
  uses: number
}

export const createTermTable = (): TermTable => {
  const terms = new Map<string, Term>()
  const texts: string[] = []
  const vacant: number[] = []

  return {
    use: (text) => {
      const known = terms.get(text)
      if (known !== undefined) {
        known.uses++
        return known.number
      }
      const number = vacant.pop() ?? texts.length
      texts[number] = text
      terms.set(text, { number, uses: 1 })
      return number
    },
    release: (number) => {
      const term = terms.get(texts[number] ?? '')
      if (term === undefined || --term.uses > 0) return
      terms.delete(texts[number] ?? '')
      texts[number] = ''
      vacant.push(number)
    },
    find: (text) => terms.get(text)?.number ?? -1,
    textOf: (number) => texts[number] ?? '',
  }
}
