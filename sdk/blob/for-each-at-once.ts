/** Runs `action` on every item, at most `limit` at a time. The first failure rejects and nothing new is begun; what runs is awaited. */
export const forEachAtOnce = async <Item>(
  items: Iterable<Item>,
  limit: number,
  action: (item: Item) => Promise<void>,
): Promise<void> => {
  const iterator = items[Symbol.iterator]()
  let hasFailed = false
  const work = async () => {
    while (!hasFailed) {
      const next = iterator.next()
      if (next.done === true) return
      try {
        await action(next.value)
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: Math.max(1, limit) }, work))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
