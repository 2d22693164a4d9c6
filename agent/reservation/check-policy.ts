import { MusterError, type Address, type SignedOrder } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import { refuseOrder } from '../price/refuse-order.ts'

/** That the pricing policy serves whoever ordered. Throws `forbidden`: the offer stands for others. */
export const checkPolicy = (
  { pricing }: Pick<AgentContext, 'pricing'>,
  market: Address,
  { record: { tenant, runtime } }: SignedOrder,
): void => {
  const refusal = refuseOrder(pricing.policy(), { tenant, tenantRegion: null, runtime }, market)
  if (refusal === undefined) return
  const { reason, message, found } = refusal
  throw new MusterError({ code: 'forbidden', message, facts: { reason, found } })
}
