const descending =
  <Row>(idOf: (row: Row) => string) =>
  (a: Row, b: Row): number => {
    const [left, right] = [idOf(a), idOf(b)]
    return left < right ? 1 : left > right ? -1 : 0
  }

/** The rows before a cursor, newest id first. */
export const newestFirst = <Row>(
  rows: Iterable<Row>,
  idOf: (row: Row) => string,
  { limit, before }: { readonly limit: number; readonly before?: string },
): Row[] =>
  [...rows]
    .filter((row) => before === undefined || idOf(row) < before)
    .toSorted(descending(idOf))
    .slice(0, limit)

/** The rows after a cursor, oldest id first. */
export const oldestFirst = <Row>(
  rows: Iterable<Row>,
  idOf: (row: Row) => string,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Row[] =>
  [...rows]
    .filter((row) => after === undefined || idOf(row) > after)
    .toSorted((a, b) => descending(idOf)(b, a))
    .slice(0, limit)
