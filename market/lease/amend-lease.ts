import {
  digestOf,
  MusterError,
  signRecord,
  whyUnamendable,
  type Amendment,
  type LeaseId,
  type LeaseState,
  type Signed,
  type SignatureDomain,
  type Signer,
  type Verifier,
  type World,
} from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import type { Supply } from '../supply/supply.ts'

export interface AmendLeaseModules {
  readonly world: World
  readonly supply: Pick<Supply, 'peer'>
  readonly signer: Signer
  readonly verifier: Verifier
  readonly domain: SignatureDomain
}

/** What a lease is to be; what is left out stays. */
export interface LeaseChange {
  readonly slots?: number
  readonly until?: number
}

const callTimeoutMs = 5_000

export const leaseNotFound = (lease: LeaseId): MusterError =>
  new MusterError({ code: 'not_found', message: 'The job has no such lease.', facts: { lease } })

const closed = (lease: LeaseId, why: string): MusterError =>
  new MusterError({
    code: 'lease_closed',
    message: `The lease is ${why}; it cannot be changed any more.`,
    facts: { lease, found: why },
    fault: 'tenant',
  })

const requireAmendable = (state: LeaseState, now: number): void => {
  const why = whyUnamendable(state, now)
  if (why !== undefined) throw closed(state.lease.record.id, why === 'suspect' ? 'out of reach' : why)
}

/** That what the agent signed is what it was asked for. */
const requireAsked = (
  signed: Signed<Amendment>,
  { lease, provider }: LeaseState,
  asked: Pick<Amendment, 'number' | 'slots' | 'until'>,
  { verifier, domain }: AmendLeaseModules,
): void => {
  const { record } = signed
  const { id, job, price } = lease.record
  const expected: Amendment = {
    ...asked,
    kind: 'amendment',
    market: domain.market,
    provider,
    job,
    lease: digestOf(lease.record),
    price,
    issuedAt: record.issuedAt,
  }
  if (digestOf(expected) !== digestOf(record))
    throw new MusterError({
      code: 'record_invalid',
      message: 'The agent signed another amendment than it was asked for.',
      facts: { lease: id },
    })
  verifier.requireSigner(domain, signed, provider)
}

/** The last amendment that is under way of each lease of a job. */
const underWay = new WeakMap<JobActor, Map<LeaseId, Promise<unknown>>>()

/** One amendment of a lease at a time: its provider would take a second one of the same number for the one that holds. */
const inTurn = async (actor: JobActor, lease: LeaseId, amend: () => Promise<void>): Promise<void> => {
  const last = underWay.get(actor) ?? new Map<LeaseId, Promise<unknown>>()
  underWay.set(actor, last)
  const before = last.get(lease)
  const own = before === undefined ? amend() : before.then(amend)
  const ended = own.catch(() => undefined)
  last.set(lease, ended)
  await ended
  if (last.get(lease) === ended) last.delete(lease)
  return own
}

const amendNow = async (
  actor: JobActor,
  id: LeaseId,
  change: LeaseChange,
  modules: AmendLeaseModules,
): Promise<void> => {
  const { world, supply, signer, domain } = modules
  const state = actor.peek()?.leases.get(id)
  if (state === undefined) throw leaseNotFound(id)
  const slots = Math.min(change.slots ?? state.slots, state.slots)
  const until = Math.max(change.until ?? state.until, state.until)
  if (slots === state.slots && until === state.until) return
  requireAmendable(state, world.now())
  const peer = supply.peer(state.provider)
  if (peer === undefined)
    throw new MusterError({
      code: 'unavailable',
      message: 'The provider is not linked now; try again.',
      facts: { lease: id },
    })
  const asked = { number: state.amendments.length + 1, slots, until }
  const signed = await peer.call('amend-lease', { lease: id, ...asked }, { timeoutMs: callTimeoutMs })
  requireAsked(signed, state, asked, modules)
  const { signature } = signRecord(signer, domain, signed.record)
  await actor.step((draft) => {
    const now = draft.job.leases.get(id)
    if (now === undefined) throw leaseNotFound(id)
    if (now.slots === slots && now.until === until) return
    requireAmendable(now, draft.now)
    if (now.amendments.length !== state.amendments.length)
      throw new MusterError({
        code: 'conflict',
        message: 'The lease was changed meanwhile; look at it again.',
        facts: { lease: id, expected: state.amendments.length, found: now.amendments.length },
      })
    const amendment = { record: signed.record, provider: signed.signature, market: signature }
    draft.emit({ type: 'lease-amended', at: draft.now, lease: id, amendment })
  })
}

/**
 * Changes a lease in place: its provider signs the amendment, the market countersigns, and both are in the job's journal. A lease that
 * has as few slots and lasts as long already stays as it is. Rejects `not_found`, `lease_closed`, `unavailable` where the provider is out
 * of reach, `conflict` where the lease changed meanwhile, and with the provider's reason where it refuses.
 */
export const amendLease = (
  actor: JobActor,
  id: LeaseId,
  change: LeaseChange,
  modules: AmendLeaseModules,
): Promise<void> => inTurn(actor, id, () => amendNow(actor, id, change, modules))
