import { isStanding, MusterError, type JobId, type StandingOrderId } from '@muster/protocol'
import type { StandingOrders, StoredStandingOrder } from '../standing-order-store.ts'
import { addRef, dropRefs } from './apply-commit.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { newestFirst, oldestFirst } from './page.ts'

const idOf = ({ order }: StoredStandingOrder): StandingOrderId => order.id

/** Blobs are kept for jobs and standing orders alike. */
const keeperOf = (id: StandingOrderId): JobId => id as unknown as JobId

const byChange = (a: StoredStandingOrder, b: StoredStandingOrder): number =>
  a.state.updatedAt - b.state.updatedAt || (idOf(a) < idOf(b) ? -1 : 1)

export const memoryStandingOrders = (disk: MemoryDisk): StandingOrders => ({
  place: async ({ order, state, events, text }, blobs) => {
    if (disk.standingOrders.has(order.id)) return false
    const missing = blobs.find((cid) => !disk.blobs.has(cid))
    if (missing !== undefined) {
      throw new MusterError({
        code: 'blob_missing',
        message: 'The standing order refers to a blob that the market does not have; upload it first.',
        facts: { cid: missing },
      })
    }
    disk.standingOrders.set(order.id, { order, state, events: [...events] })
    disk.personalTexts.set(text.subject, text)
    for (const cid of blobs) addRef(disk, { cid, job: keeperOf(order.id) })
    return true
  },
  get: async (id) => {
    const found = disk.standingOrders.get(id)
    return found === undefined ? undefined : { order: found.order, state: found.state }
  },
  list: async ({ tenant, ...page }) =>
    newestFirst(
      [...disk.standingOrders.values()].filter(({ order }) => order.tenant === tenant),
      idOf,
      page,
    ).map(({ order, state }) => ({ order, state })),
  open: async (page) =>
    oldestFirst(
      [...disk.standingOrders.values()].filter(({ state }) => isStanding(state)),
      idOf,
      page,
    ).map(({ order, state }) => ({ order, state })),
  countOpen: async (tenant) =>
    [...disk.standingOrders.values()].filter(({ order, state }) => order.tenant === tenant && isStanding(state)).length,
  changedSince: async ({ since, limit, after }) =>
    [...disk.standingOrders.values()]
      .filter(({ state }) => state.updatedAt >= since)
      .toSorted(byChange)
      .filter(
        (each) =>
          after === undefined ||
          each.state.updatedAt > after.updatedAt ||
          (each.state.updatedAt === after.updatedAt && idOf(each) > after.id),
      )
      .slice(0, limit)
      .map(({ order, state }) => ({ order, state })),
  advance: async ({ id, expectedVersion, state, events }) => {
    const found = disk.standingOrders.get(id)
    if (found?.state.version !== expectedVersion) return false
    disk.standingOrders.set(id, { ...found, state, events: [...found.events, ...events] })
    if (!isStanding(state)) dropRefs(disk, keeperOf(id))
    return true
  },
  events: async (id, { limit, after = 0 }) =>
    (disk.standingOrders.get(id)?.events ?? [])
      .map((event, index) => ({ number: index + 1, event }))
      .filter(({ number }) => number > after)
      .slice(0, limit),
})
