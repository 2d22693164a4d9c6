import { digestOf, type Digest } from '../digest/digest.ts'
import type { Order } from '../order/order.ts'
import { coversResources } from '../resource/resources.ts'
import type { Address } from '../signature/address.ts'
import { maxClockSkewMs } from '../link/link-hello.ts'
import { sealOf } from './commitment.ts'
import type { BidRefusal, Reveal, SealedBid } from './transcript.ts'
import type { SealedAuction } from './award-sealed.ts'

const openProblem = (
  { order, closing, awardedAt }: Pick<SealedAuction, 'order' | 'closing' | 'awardedAt'>,
  orderDigest: Digest,
  { provider, seal }: Pick<SealedBid, 'provider' | 'seal'>,
  { reservation: { record }, salt }: Reveal,
): BidRefusal | undefined => {
  const { auction } = closing
  if (sealOf({ auction, order: orderDigest, provider, reservation: digestOf(record), salt }) !== seal)
    return 'does-not-open'
  if (record.provider !== provider) return 'other-provider'
  if (record.market !== order.market) return 'other-market'
  if (record.order !== orderDigest) return 'other-order'
  if (record.price.per !== order.maxPrice.per) return 'other-unit'
  if (record.price.nanoUsd < 0n) return 'below-zero'
  if (record.price.nanoUsd > order.maxPrice.nanoUsd) return 'above-ceiling'
  if (record.expiresAt + maxClockSkewMs <= awardedAt || record.expiresAt < record.issuedAt) return 'expired'
  return fits(order, record) ? undefined : 'does-not-fit'
}

const fits = (order: Order, record: Reveal['reservation']['record']): boolean =>
  record.slots >= 1 &&
  record.slots <= order.slots &&
  coversResources(record.resources, order.resources) &&
  record.gpus.length === record.slots * record.resources.gpuCount

/**
 * Why a bid does not count, in the order of `bidRefusals`; `undefined` where it does. `heard` holds the providers of the bids
 * before it: one bid of each counts.
 */
export const refuseBid = (
  sealed: Pick<SealedAuction, 'order' | 'closing' | 'awardedAt'>,
  orderDigest: Digest,
  bid: Pick<SealedBid, 'provider' | 'seal' | 'reveal'>,
  heard: ReadonlySet<Address>,
): BidRefusal | undefined => {
  if (heard.has(bid.provider)) return 'duplicate'
  return bid.reveal === null ? 'unrevealed' : openProblem(sealed, orderDigest, bid, bid.reveal)
}
