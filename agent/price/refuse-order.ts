import type { Address, RuntimeKind, TenantId } from '@muster/protocol'
import type { AccessList, PricePolicy } from './price-policy.ts'

/** Why a policy does not serve an order. */
export const refusalReasons = [
  'market_denied',
  'runtime_denied',
  'tenant_denied',
  'tenant_region_denied',
  'not_sold',
  'lease_not_sold',
  'gpu_unpriced',
  'above_max_price',
  'out_of_range',
] as const
export type RefusalReason = (typeof refusalReasons)[number]

export interface QuoteRefusal {
  readonly reason: RefusalReason
  /** One sentence for a person. */
  readonly message: string
  readonly expected: string
  readonly found: string
}

/** Whom an order is of. */
export interface OrderSource {
  /** `null` for a standing offer, which is to whoever comes: the lists of tenants are asked when somebody does. */
  readonly tenant: TenantId | null
  /** `null` where nobody said. */
  readonly tenantRegion: string | null
  readonly runtime: RuntimeKind
}

const check = <Item extends string>(
  { allow, deny }: AccessList<Item>,
  item: Item | null,
  reason: RefusalReason,
  what: string,
): QuoteRefusal | undefined => {
  if (item !== null && deny.has(item))
    return { reason, message: `The policy denies this ${what}.`, expected: `another ${what}`, found: item }
  if (allow.size === 0 || (item !== null && allow.has(item))) return undefined
  return {
    reason,
    message: `The policy serves the ones on its list only, and this ${what} is not on it.`,
    expected: [...allow].join(' or '),
    found: item ?? 'unknown',
  }
}

/** The first list of a policy that turns an order away. A tenant's region that nobody said fails a list of those allowed. */
export const refuseOrder = (
  { access }: Pick<PricePolicy, 'access'>,
  { tenant, tenantRegion, runtime }: OrderSource,
  market: Address | null,
): QuoteRefusal | undefined =>
  (market === null ? undefined : check(access.markets, market, 'market_denied', 'market')) ??
  check(access.runtimes, runtime, 'runtime_denied', 'runtime') ??
  (tenant === null ? undefined : check(access.tenants, tenant, 'tenant_denied', 'tenant')) ??
  (tenant === null && tenantRegion === null
    ? undefined
    : check(access.tenantRegions, tenantRegion, 'tenant_region_denied', 'region of tenants'))
