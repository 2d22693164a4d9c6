import {
  newId,
  slotsThatFit,
  type Address,
  type LeaseId,
  type LeaseKind,
  type OfferId,
  type OfferTerm,
  type Price,
  type PriceUnit,
  type RuntimeKind,
  type Timer,
} from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import type { LeasePolicy } from '../price/price-policy.ts'
import { quote } from '../price/quote.ts'
import type { RefusalReason } from '../price/refuse-order.ts'

/** What is asked for one runtime: the price of an offer, which no other price ever bears the id of. */
export interface StandingPrice {
  readonly id: OfferId
  readonly runtime: RuntimeKind
  readonly price: Price
  /** Absent where the policy speaks of no leases. */
  readonly term?: OfferTerm
}

/** The policy's quotes for whoever comes, at the utilisation and the time there are now. */
export interface StandingPrices {
  /** For this market: a price for each runtime with a workload and each unit that the policy sells it in. */
  of(market: Address): readonly StandingPrice[]
  stop(): void
}

type PriceContext = Pick<AgentContext, 'options' | 'world' | 'book' | 'workloads' | 'pricing' | 'log'>

/** Share of this machine's slots that are leased, 0 to 1, by others than `except`. What is only reserved is not sold: most bids lose. */
export const utilisationOf = (
  { options, book, world }: Pick<PriceContext, 'options' | 'book' | 'world'>,
  except?: LeaseId,
): number => {
  const total = Math.min(options.maxSlots, slotsThatFit(options.capacity, options.slot))
  const now = world.now()
  let leased = 0
  for (const { lease, until, slots } of book.capacity.holdings.values())
    if (lease !== null && lease !== except && until > now) leased += slots
  return total === 0 ? 0 : Math.min(1, leased / total)
}

/** Refusals that are a gap in the policy and not its will. */
const gaps: ReadonlySet<RefusalReason> = new Set(['gpu_unpriced', 'out_of_range'])

const termOf = (kind: LeaseKind, { noticeMs, minMs, maxMs }: LeasePolicy): OfferTerm => ({
  kinds: [kind],
  ...(noticeMs === null ? {} : { noticeMs }),
  minMs,
  maxMs,
})

const isSameTerm = (a: OfferTerm | undefined, b: OfferTerm | undefined): boolean =>
  a?.noticeMs === b?.noticeMs && a?.minMs === b?.minMs && a?.maxMs === b?.maxMs

const minuteMs = 60_000

/** `onChange` is called where a quote may be another than before: a new policy, or another minute of one with times. */
export const createStandingPrices = (context: PriceContext, onChange: () => void): StandingPrices => {
  const { options, world, workloads, pricing, log } = context
  const standing = new Map<string, StandingPrice>()
  const warned = new Set<string>()
  let clock: Timer | null = null
  let isStopped = false

  const price = (market: Address, runtime: RuntimeKind, unit: PriceUnit, kind: LeaseKind): Price | null => {
    const models = [...new Set(options.gpus.map(({ model }) => model))]
    const order = {
      tenant: null,
      tenantRegion: null,
      runtime,
      unit,
      lease: kind,
      resources: options.slot,
      gpuModels: models,
      maxNanoUsd: null,
    }
    const made = quote(pricing.policy(), {
      order,
      slots: 1,
      utilisation: utilisationOf(context),
      market,
      at: world.now(),
    })
    if (made.price !== null) return made.price
    const { reason, message } = made.refusal
    if (gaps.has(reason) && !warned.has(message)) {
      warned.add(message)
      log.warn('this runtime is not sold: its price cannot be worked out', { runtime, unit, reason, message })
    }
    return null
  }

  const keep = (market: Address, runtime: RuntimeKind, asked: Price, kind: LeaseKind): StandingPrice => {
    const key = `${market} ${runtime} ${asked.per} ${kind}`
    const lease = pricing.policy().leases.get(kind)
    const term = lease === undefined ? undefined : termOf(kind, lease)
    const known = standing.get(key)
    if (known?.price.nanoUsd === asked.nanoUsd && isSameTerm(known.term, term)) return known
    const id = newId(world, 'offer')
    const made: StandingPrice = { id, runtime, price: asked, ...(term === undefined ? {} : { term }) }
    standing.set(key, made)
    return made
  }

  const watchClock = (): void => {
    if (isStopped || clock !== null || pricing.policy().times.length === 0) return
    clock = world.after(minuteMs - (world.now() % minuteMs), () => {
      clock = null
      onChange()
      watchClock()
    })
  }
  watchClock()

  pricing.onChange(() => {
    if (isStopped) return
    warned.clear()
    onChange()
    watchClock()
  })

  return {
    of: (market) => {
      const found: StandingPrice[] = []
      const { leases } = pricing.policy()
      const kinds: readonly LeaseKind[] = leases.size === 0 ? ['on-demand'] : [...leases.keys()]
      for (const [runtime, units] of pricing.policy().runtimes) {
        if (!workloads.has(runtime)) continue
        for (const unit of units.keys()) {
          for (const kind of kinds) {
            const asked = price(market, runtime, unit, kind)
            if (asked !== null) found.push(keep(market, runtime, asked, kind))
          }
        }
      }
      return found
    },
    stop: () => {
      isStopped = true
      clock?.cancel()
    },
  }
}
