import {
  failedGpuFields,
  maxClockSkewMs,
  MusterError,
  type Address,
  type Offer,
  type SignedOrder,
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

const quantities = ['cpuMilli', 'memoryBytes', 'diskBytes', 'gpuCount'] as const

/** That a slot of the offer serves what was ordered. Throws `request_invalid`. */
export const checkDemand = ({ record: order }: SignedOrder, offer: Offer, slots: number): void => {
  if (!offer.runtimes.includes(order.runtime)) {
    throw refuse('This offer is for another runtime.', { expected: offer.runtimes, found: order.runtime })
  }
  if (slots > order.slots) {
    throw refuse('The order asks for fewer slots than this.', { expected: order.slots, found: slots })
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
