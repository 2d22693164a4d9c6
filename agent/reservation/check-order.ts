import {
  digestOf,
  failedGpuFields,
  failedTerms,
  maxClockSkewMs,
  MusterError,
  type Address,
  type Offer,
  type SignedOrder,
  type SignedResize,
} from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'

const refuse = (message: string, facts: Readonly<Record<string, unknown>>): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts, fault: 'market' })

/**
 * That an order may be answered: meant for this market, in force by this machine's clock give or take `maxClockSkewMs`,
 * and signed: by the market where it keeps the tenant's key, else by some key. Throws `request_invalid`,
 * `record_expired`, `clock_skewed`, `signature_invalid`.
 */
export const checkOrder = (context: AgentContext, market: Address, signed: SignedOrder, now: number): void => {
  const order = signed.record
  if (order.market !== market) {
    throw refuse('This order is meant for another market.', { expected: market, found: order.market })
  }
  if (order.expiresAt + maxClockSkewMs <= now) {
    throw new MusterError({
      code: 'record_expired',
      message: 'This order has expired.',
      facts: { expiresAt: order.expiresAt, now },
      fault: 'market',
    })
  }
  if (order.issuedAt - maxClockSkewMs > now) {
    throw new MusterError({
      code: 'clock_skewed',
      message: "This order is from the future by this machine's clock; set the clocks right.",
      facts: { issuedAt: order.issuedAt, now, maxClockSkewMs },
    })
  }
  const domain = domainOf(context, market)
  if (order.custody === 'market') return context.verifier.requireSigner(domain, signed, market)
  if (context.verifier.signerOf(domain, signed) === undefined) {
    throw new MusterError({
      code: 'signature_invalid',
      message: 'The signature of this order is by no key.',
      facts: { kind: 'order', custody: order.custody },
      fault: 'tenant',
    })
  }
}

/**
 * How many slots the order asks for by now: its own, or as its tenant changed that. Throws `request_invalid` for a change of another
 * order, `signature_invalid` for one that whoever signed the order did not sign.
 */
export const slotsAsked = (
  context: AgentContext,
  market: Address,
  order: SignedOrder,
  resize: SignedResize | undefined,
): number => {
  if (resize === undefined) return order.record.slots
  if (resize.record.order !== digestOf(order.record))
    throw refuse('This change of slots is of another order.', { order: order.record.id })
  const domain = domainOf(context, market)
  const { custody } = order.record
  const expected = custody === 'market' ? market : context.verifier.signerOf(domain, order)
  if (expected === undefined || context.verifier.signerOf(domain, resize) !== expected) {
    throw new MusterError({
      code: 'signature_invalid',
      message: 'The signature of this change of slots is not by whoever signed the order.',
      facts: { kind: 'resize', custody },
      fault: 'market',
    })
  }
  return resize.record.slots
}

/** That the lease ordered is one the offer is for, and ends before the next maintenance. Throws `request_invalid`, `capacity_taken`. */
export const checkTerm = ({ record: order }: SignedOrder, offer: Offer, now: number): void => {
  const [failed] = failedTerms(order, offer, now)
  if (failed === undefined) return
  if (failed.requirement !== 'maintenance') throw refuse('This offer is not for such a lease.', { ...failed })
  throw new MusterError({
    code: 'capacity_taken',
    message: 'This machine is under maintenance before that lease would end.',
    facts: { ...failed },
  })
}

const quantities = ['cpuMilli', 'memoryBytes', 'diskBytes', 'gpuCount'] as const

/** That a slot of the offer serves what was ordered. Throws `request_invalid`. */
export const checkDemand = (
  { record: order }: SignedOrder,
  offer: Offer,
  slots: number,
  mostSlots = order.slots,
): void => {
  if (!offer.runtimes.includes(order.runtime)) {
    throw refuse('This offer is for another runtime.', { expected: offer.runtimes, found: order.runtime })
  }
  if (slots > mostSlots) {
    throw refuse('The order asks for fewer slots than this.', { expected: mostSlots, found: slots })
  }
  for (const quantity of quantities) {
    if (order.resources[quantity] <= offer.resources[quantity]) continue
    throw refuse(`A slot of this offer has less ${quantity} than the order asks for.`, {
      requirement: quantity,
      expected: order.resources[quantity],
      found: offer.resources[quantity],
    })
  }
  const { gpu } = order.resources
  const failed = gpu === undefined ? [] : offer.gpus.flatMap((each) => failedGpuFields(gpu, each))
  if (failed.length > 0) {
    throw refuse('The GPUs of this offer are not what the order asks for.', { requirement: 'gpu', failed })
  }
}
