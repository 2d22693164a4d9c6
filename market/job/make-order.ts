import {
  MusterError,
  digestOf,
  maxClockSkewMs,
  newId,
  signRecord,
  toHex,
  type CommittedSpec,
  type Order,
  type OrderId,
  type SignatureDomain,
  type SignedOrder,
  type Signer,
  type Verifier,
  type World,
} from '@muster/protocol'
import type { Tenant } from '../store/store.ts'

export interface MakeOrderModules {
  readonly world: World
  readonly verifier: Verifier
  readonly domain: SignatureDomain
  /** The market's own key: it signs for tenants that have none. */
  readonly signer: Signer
}

/** How long an order may wait for slots, and for new ones after a loss. */
const orderTermMs = 7 * 24 * 3_600_000
const maxOrderTermMs = 30 * 24 * 3_600_000

const orderInvalid = (field: string, expected: unknown, found: unknown): MusterError =>
  new MusterError({
    code: 'record_invalid',
    message: `The order does not match the spec it came with: ${field}.`,
    facts: { field, expected, found },
    fault: 'tenant',
  })

/** What an order says of the job it is for. */
const orderTerms = (spec: CommittedSpec) => ({
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
})

/** The order for a tenant without a key, signed by the market. Throws `signature_invalid` for one that has a key. */
export const keptOrder = (
  tenant: Tenant,
  spec: CommittedSpec,
  id: OrderId | undefined,
  { world, domain, signer }: MakeOrderModules,
): SignedOrder => {
  if (tenant.address !== null) {
    throw new MusterError({
      code: 'signature_invalid',
      message: 'This tenant signs its own orders: send one with the spec. Nothing was charged.',
      facts: { expected: tenant.address, found: 'no order' },
      fault: 'tenant',
    })
  }
  const now = world.now()
  const order: Order = {
    kind: 'order',
    id: id ?? newId(world, 'order'),
    market: domain.market,
    tenant: tenant.id,
    custody: 'market',
    ...orderTerms(spec),
    nonce: toHex(world.random(16)),
    issuedAt: now,
    expiresAt: now + orderTermMs,
  }
  return signRecord(signer, domain, order)
}

/** Checks a tenant's own order against the spec, the clock and the tenant's key. Throws `record_invalid`, `clock_skewed`, `record_expired`, `signature_invalid`. */
export const requireOrder = (
  signed: SignedOrder,
  tenant: Tenant,
  spec: CommittedSpec,
  { world, verifier, domain }: MakeOrderModules,
): void => {
  const { record } = signed
  if (tenant.address === null)
    throw orderInvalid('custody', 'no order: the market keeps this tenant’s key', record.custody)
  const now = world.now()
  if (record.issuedAt - now > maxClockSkewMs) {
    throw new MusterError({
      code: 'clock_skewed',
      message: 'This order was issued in the future: the clock it was made on is ahead of the market’s. Set the clock.',
      facts: { expected: `at most ${maxClockSkewMs} ms ahead`, found: `${record.issuedAt - now} ms ahead` },
      fault: 'tenant',
    })
  }
  if (record.expiresAt <= now || record.expiresAt > record.issuedAt + maxOrderTermMs) {
    throw new MusterError({
      code: 'record_expired',
      message: 'This order has expired or is valid for too long; sign a new one.',
      facts: { expected: `between ${now} and ${record.issuedAt + maxOrderTermMs}`, found: record.expiresAt },
      fault: 'tenant',
    })
  }
  const stated = { ...orderTerms(spec), market: domain.market, tenant: tenant.id, custody: 'tenant' as const }
  for (const [field, expected] of Object.entries(stated)) {
    const found: unknown = Reflect.get(record, field)
    if (digestOf(expected) !== digestOf(found ?? null)) throw orderInvalid(field, expected, found)
  }
  if (record.auction !== undefined && spec.auction === undefined) throw orderInvalid('auction', 'none', record.auction)
  verifier.requireSigner(domain, signed, tenant.address)
}
