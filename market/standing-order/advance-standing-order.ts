import { stepStandingOrder, type StandingEvent } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import type { StoredStandingOrder } from '../store/standing-order-store.ts'

/**
 * Writes events of a standing order. Resolves to how it stands then: with them, or, where somebody else wrote first, as that left it. Throws `transition_refused`
 * for events that do not follow.
 */
export const advanceStandingOrder = async (
  from: StoredStandingOrder,
  events: readonly StandingEvent[],
  { standingOrders }: Pick<Store, 'standingOrders'>,
): Promise<{ readonly standing: StoredStandingOrder; readonly isWritten: boolean }> => {
  const { order } = from
  const state = events.reduce((now, event) => stepStandingOrder(order.terms, now, event), from.state)
  const advance = { id: order.id, expectedVersion: from.state.version, state, events }
  if (await standingOrders.advance(advance)) return { standing: { order, state }, isWritten: true }
  const standing = await standingOrders.get(order.id)
  if (standing === undefined) throw new Error(`standing order ${order.id} is gone`)
  return { standing, isWritten: false }
}
