import { MusterError, type TenantId } from '@muster/protocol'

/** Counts who watches at once. */
export interface WatcherCount {
  /** Returns how to leave again. Throws `rate_limited`. */
  enter(tenant: TenantId): () => void
}

export const createWatcherCount = (maxPerTenant: number): WatcherCount => {
  const watching = new Map<TenantId, number>()
  return {
    enter: (tenant) => {
      const count = watching.get(tenant) ?? 0
      if (count >= maxPerTenant) {
        throw new MusterError({
          code: 'rate_limited',
          message: `A tenant may watch ${maxPerTenant} streams of events at once; close one.`,
          facts: { expected: `at most ${maxPerTenant}` },
        })
      }
      watching.set(tenant, count + 1)
      let isIn = true
      return () => {
        if (!isIn) return
        isIn = false
        const left = (watching.get(tenant) ?? 1) - 1
        if (left === 0) watching.delete(tenant)
        else watching.set(tenant, left)
      }
    },
  }
}
