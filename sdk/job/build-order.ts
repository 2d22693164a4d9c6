import {
  digestOf,
  signRecord,
  toHex,
  type CommittedSpec,
  type Order,
  type OrderId,
  type SignatureDomain,
  type SignedOrder,
  type Signer,
  type TenantId,
  type World,
} from '@muster/protocol'

/** How long an order may be used: slots that are lost are auctioned again under the same order. */
const orderLifetimeMs = 7 * 24 * 3_600_000

export interface OrderInput {
  readonly spec: CommittedSpec
  readonly id: OrderId
  readonly tenant: TenantId
  readonly domain: SignatureDomain
  /** Wall-clock ms; left out, in a week. */
  readonly expiresAt?: number
}

/** The order for a job, signed by the tenant's own key. */
export const buildOrder = (
  world: World,
  signer: Signer,
  { spec, id, tenant, domain, expiresAt }: OrderInput,
): SignedOrder => {
  const issuedAt = world.now()
  const order: Order = {
    kind: 'order',
    id,
    market: domain.market,
    tenant,
    custody: 'tenant',
    job: digestOf(spec),
    slots: spec.slots,
    resources: spec.resources,
    runtime: spec.runtime,
    placement: spec.placement,
    award: spec.award,
    ...(spec.auction === undefined ? {} : { auction: spec.auction }),
    ...(spec.lease === undefined ? {} : { lease: spec.lease }),
    maxPrice: spec.maxPrice,
    ceiling: spec.ceiling,
    nonce: toHex(world.random(16)),
    issuedAt,
    expiresAt: expiresAt ?? issuedAt + orderLifetimeMs,
  }
  return signRecord(signer, domain, order)
}
