import {
  effectivePrice,
  formatUsd,
  fromProblem,
  matchRoute,
  MusterError,
  providerRecordRoute,
  type Address,
  type JobSpec,
  type Reliability,
  type SignedOffer,
} from '@muster/protocol'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'

/** What a job would get at one market. */
export interface MarketAnswer {
  /** Slots of those wanted that would be had now. */
  readonly slots: number
  /** Expected nano-dollars for a unit, over those slots, by the order's rule: the price, or the cost of a finished task. `null` without slots. */
  readonly cost: number | null
  /** Why it would get none, where that is so. */
  readonly problem: MusterError | null
  /** All of it in a sentence. */
  readonly why: string
}

export interface AskOptions extends CallOptions {
  /** How long one task is thought to take, for the rule `effective`. */
  readonly expectedTaskMs: number
}

/** Providers whose records are read for one comparison. */
const mostRecords = 16

const figureOf = (
  figures: readonly { name: string; mean: number; expected: number | null }[],
  name: string,
): number => {
  const figure = figures.find((each) => each.name === name)
  return figure?.expected ?? figure?.mean ?? 1
}

const reliabilityOf = async (connection: Connection, provider: Address, options: CallOptions): Promise<Reliability> => {
  const { figures } = await callRoute(connection, providerRecordRoute, { params: { provider } }, options)
  return {
    hazardPerHour: figureOf(figures, 'hazard'),
    success: figureOf(figures, 'success'),
    startFactor: figureOf(figures, 'start'),
    durationFactor: figureOf(figures, 'duration'),
  }
}

interface Costed {
  readonly offer: SignedOffer
  readonly cost: number
}

const costByRule = async (
  connection: Connection,
  spec: JobSpec,
  offers: readonly SignedOffer[],
  { expectedTaskMs, ...options }: AskOptions,
): Promise<Costed[]> => {
  if (spec.award !== 'effective') return offers.map((offer) => ({ offer, cost: Number(offer.record.price.nanoUsd) }))
  const few = offers.slice(0, mostRecords)
  const work = { durationMs: expectedTaskMs, startMs: 0, operators: 1, transferNanoUsd: 0, checkpoint: null }
  const costed = await Promise.all(
    few.map(async (offer) => {
      const reliability = await reliabilityOf(connection, offer.record.provider, options)
      return { offer, cost: effectivePrice(offer.record, reliability, work).nanoUsd }
    }),
  )
  return costed.toSorted((a, b) => a.cost - b.cost)
}

/** The mean cost of as many slots as are wanted and free, the best first. */
const fill = (costed: readonly Costed[], wanted: number): { slots: number; cost: number | null } => {
  let slots = 0
  let total = 0
  for (const { offer, cost } of costed) {
    const taken = Math.min(wanted - slots, offer.record.slots)
    if (taken <= 0) continue
    slots += taken
    total += taken * cost
  }
  return { slots, cost: slots === 0 ? null : total / slots }
}

const refused = (problem: MusterError): MarketAnswer => ({ slots: 0, cost: null, problem, why: problem.message })

const asMusterError = (error: unknown): MusterError =>
  error instanceof MusterError ? error : new MusterError({ code: 'internal', message: String(error), cause: error })

/** Asks one market what a job would get there, once. Never rejects: what it could not say is the answer's problem. */
export const askMarket = async (connection: Connection, spec: JobSpec, options: AskOptions): Promise<MarketAnswer> => {
  const once = { ...connection, retry: { ...connection.retry, attempts: 1 } }
  const { slots: wanted, resources, runtime, placement, lease, limits, maxPrice, award } = spec
  try {
    const kind = lease === undefined ? {} : { lease }
    const { taskTimeoutMs } = limits
    const demand = { slots: wanted, resources, runtime, placement, ...kind, taskTimeoutMs, maxPrice }
    const {
      offers,
      slots: free,
      problem,
    } = await callRoute(once, matchRoute, { body: demand }, { ...options, isIdempotent: true })
    if (problem !== null) return refused(fromProblem(problem))
    const { slots, cost } = fill(await costByRule(once, spec, offers, options), Math.min(wanted, free))
    if (cost === null)
      return refused(
        new MusterError({ code: 'nothing_fits', message: 'All that would fit is taken now.', retry: 'later' }),
      )
    const unit = award === 'effective' ? 'a finished task' : `per ${maxPrice.per}`
    const sum = formatUsd(BigInt(Math.round(Math.min(cost, 2 ** 62))))
    return { slots, cost, problem: null, why: `${sum} ${unit} for ${slots} of ${wanted} slots` }
  } catch (error) {
    return refused(asMusterError(error))
  }
}
