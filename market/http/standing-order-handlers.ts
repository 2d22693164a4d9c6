import {
  MusterError,
  parseId,
  type RouteName,
  type StandingOrderId,
  type StandingOrderView,
  type TenantId,
  type routes,
} from '@muster/protocol'
import type { Market } from '../market.ts'
import { readNames } from '../standing-order/hidden-name.ts'
import { placeStandingOrder } from '../standing-order/place-standing-order.ts'
import type { Wait } from '../standing-order/standing-orders.ts'
import type { StoredStandingOrder } from '../store/standing-order-store.ts'
import type { Handler } from './handler.ts'

type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<(typeof routes)[Name]> }

const viewOf = (
  { order, state }: StoredStandingOrder,
  name: string | undefined,
  wait: Wait | null,
): StandingOrderView => ({
  id: order.id,
  name: name ?? null,
  phase: state.ended === null ? 'open' : 'ended',
  ended: state.ended,
  terms: order.terms,
  slots: order.spec.slots,
  ceiling: order.spec.ceiling,
  runs: state.runs,
  job: state.run?.job ?? null,
  charged: state.charged,
  problem: state.problem,
  wait,
  notBefore: state.notBefore,
  placedAt: order.placedAt,
  updatedAt: state.updatedAt,
})

/** Handlers of everything about standing orders. */
export const standingOrderHandlers = (
  market: Market,
): Handlers<
  'placeStandingOrder' | 'listStandingOrders' | 'getStandingOrder' | 'standingOrderEvents' | 'cancelStandingOrder'
> => {
  const { store, names, standingOrders } = market.modules

  /** One of this tenant; anyone else's is not found either. */
  const requireOrder = async (id: StandingOrderId, tenant: TenantId): Promise<StoredStandingOrder> => {
    const found = await store.standingOrders.get(id)
    if (found?.order.tenant === tenant) return found
    throw new MusterError({ code: 'not_found', message: 'There is no such standing order.', facts: { order: id } })
  }

  const view = async (all: readonly StoredStandingOrder[]): Promise<StandingOrderView[]> => {
    const found = await readNames(
      all.map(({ order }) => order),
      names,
    )
    return Promise.all(
      all.map(async (each) => viewOf(each, found.get(each.order.id), await standingOrders.explain(each.order.id))),
    )
  }

  const viewOne = async (standing: StoredStandingOrder): Promise<StandingOrderView> => {
    const [only] = await view([standing])
    return only ?? viewOf(standing, undefined, null)
  }

  return {
    placeStandingOrder: async ({ body, tenant, header }) => {
      const key = header('idempotency-key')
      const idempotencyKey = key === undefined ? undefined : parseId('standing-order', key)
      const placed = await placeStandingOrder({ ...body, tenant, idempotencyKey }, { ...market.submitModules, names })
      standingOrders.take(placed)
      return viewOne(placed)
    },
    listStandingOrders: async ({ query: { limit, before }, tenant }) => {
      const page = { tenant: tenant.id, limit, ...(before === undefined ? {} : { before }) }
      return { orders: await view(await store.standingOrders.list(page)) }
    },
    getStandingOrder: async ({ params: { order }, tenant }) => viewOne(await requireOrder(order, tenant.id)),
    standingOrderEvents: async ({ params: { order }, query: { limit, after }, tenant }) => {
      await requireOrder(order, tenant.id)
      return { events: [...(await store.standingOrders.events(order, { limit, after }))] }
    },
    cancelStandingOrder: async ({ params: { order }, tenant }) =>
      viewOne(await standingOrders.cancel(await requireOrder(order, tenant.id))),
  }
}
