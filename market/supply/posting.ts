/** Rows by what they have in common, for what few have: a list that grows past `mostListed` is only counted from then on. */
export interface Postings {
  add(token: string, row: number): void
  remove(token: string, row: number): void
  /** How many rows have it. */
  count(token: string): number
  /** Those rows, or `undefined` where they are too many to be listed. */
  rows(token: string): readonly number[] | undefined
}

const mostListed = 2_048

interface Wide {
  count: number
}

export const createPostings = (): Postings => {
  /** Most tokens are of one row alone, which then stands for itself. */
  const postings = new Map<string, number | number[] | Wide>()

  return {
    add: (token, row) => {
      const known = postings.get(token)
      if (known === undefined) postings.set(token, row)
      else if (typeof known === 'number') postings.set(token, [known, row])
      else if (!Array.isArray(known)) known.count++
      else if (known.length < mostListed) known.push(row)
      else postings.set(token, { count: known.length + 1 })
    },
    remove: (token, row) => {
      const known = postings.get(token)
      if (known === undefined || typeof known === 'number') return void postings.delete(token)
      if (!Array.isArray(known)) {
        known.count--
        if (known.count === 0) postings.delete(token)
        return
      }
      const at = known.indexOf(row)
      const last = known.pop()
      if (at < known.length && last !== undefined) known[at] = last
      if (known.length === 0) postings.delete(token)
    },
    count: (token) => {
      const known = postings.get(token)
      if (known === undefined) return 0
      if (typeof known === 'number') return 1
      return Array.isArray(known) ? known.length : known.count
    },
    rows: (token) => {
      const known = postings.get(token)
      if (known === undefined) return []
      if (typeof known === 'number') return [known]
      return Array.isArray(known) ? known : undefined
    },
  }
}
