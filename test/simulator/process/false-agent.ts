import { execSpecDigest } from '@muster/graph'
import {
  attemptId,
  blobListDigest,
  digestOf,
  MusterError,
  newId,
  parseAttemptId,
  signRecord,
  signTogether,
  startsOf,
  toProblem,
  type Address,
  type AgentHandlers,
  type AttemptId,
  type Claim,
  type LeaseId,
  type LinkRequest,
  type MarketPeer,
  type Offer,
  type SignedReservation,
  type Start,
  type Starts,
} from '@muster/protocol'
import { keepLinked } from '../../../agent/link/keep-linked.ts'
import type { MemoryNetwork } from '../memory-network.ts'
import type { AgentPlan } from '../scenario/scenario.ts'
import { createProcessWorld } from '../world/process-world.ts'
import { chainId } from './keys.ts'
import type { Run } from './run.ts'

/**
 * An agent that reserves, takes leases, says that it holds what it was sent, and does nothing. A rogue one claims all it was
 * sent, twice, and whatever else of the job it can name; says that others failed; and lies about what it holds.
 */
export const startFalseAgent = (plan: AgentPlan, market: Address, network: MemoryNetwork, run: Run): void => {
  const { world } = createProcessWorld(run.timeline, run.random.fork(plan.name), plan.skewMs)
  const signer = run.keys.signerOf(plan.name)
  const domain = { chainId, market }
  const reservations = new Map<string, SignedReservation>()
  const leases = new Map<LeaseId, number>()
  const attempts = new Set<AttemptId>()
  const random = run.random.fork(`${plan.name} lies`)
  const isRogue = plan.kind === 'rogue'
  const offer: Offer = {
    kind: 'offer',
    id: newId(world, 'offer'),
    market,
    provider: signer.address,
    resources: { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 2 ** 30, gpuCount: 0 },
    slots: plan.slots,
    runtimes: ['noop', 'graph'],
    execSpec: execSpecDigest,
    gpus: [],
    region: plan.region,
    country: 'ZZ',
    attributes: {},
    price: { nanoUsd: BigInt(plan.priceNanoUsd), per: 'task' },
    issuedAt: world.now(),
    expiresAt: world.now() + 3_600_000,
  }
  let epoch = 0
  let peer: MarketPeer | undefined

  const reserve = ({ order, slots, ttlMs }: LinkRequest<'reserve'>): SignedReservation => {
    let held = 0
    for (const count of leases.values()) held += count
    if (held + slots > plan.slots) throw new MusterError({ code: 'capacity_taken', message: 'All slots are taken.' })
    const now = world.now()
    const signed = signRecord(signer, domain, {
      kind: 'reservation' as const,
      id: newId(world, 'reservation'),
      market,
      provider: signer.address,
      order: digestOf(order.record),
      offer: offer.id,
      slots,
      resources: offer.resources,
      gpus: [],
      price: offer.price,
      issuedAt: now,
      expiresAt: now + ttlMs,
    })
    reservations.set(digestOf(signed.record), signed)
    return signed
  }

  const publish = () => peer?.send({ type: 'offers', offers: [signRecord(signer, domain, offer)], counted: [] })

  const answer = (call: string, request: unknown): unknown => {
    switch (call) {
      case 'reserve':
        return reserve(request as LinkRequest<'reserve'>)
      case 'open-lease': {
        const { lease, first } = request as LinkRequest<'open-lease'>
        leases.set(lease.record.id, lease.record.slots)
        if (first !== null) take(first)
        return {}
      }
      case 'close-lease':
        leases.delete((request as LinkRequest<'close-lease'>).lease)
        publish()
        return {}
      case 'holdings':
        return {
          leases: isRogue && random.chance(0.3) ? [newId(world, 'lease')] : [...leases.keys()],
          attempts: isRogue && random.chance(0.5) ? [] : [...attempts],
        }
      default:
        return {}
    }
  }

  const claimOf = (start: Start, attempt: AttemptId): Claim => ({
    kind: 'claim',
    market,
    provider: signer.address,
    lease: start.lease,
    attempt,
    program: start.program,
    execSpec: start.runtime === 'graph' ? execSpecDigest : '',
    inputs: blobListDigest(start.inputs),
    outputs: [],
    meter: { slotMs: 1, cpuMs: 1, peakMemoryBytes: 1 },
    startedAt: world.now(),
    endedAt: world.now(),
  })

  const lie = (starts: readonly Start[]): void => {
    const claims: Claim[] = []
    const others: AttemptId[] = []
    for (const start of starts) {
      const name = parseAttemptId(start.attempt)
      if (name === undefined) continue
      claims.push(claimOf(start, start.attempt))
      for (const index of [0, name.index + 1]) {
        const other = attemptId(name.job, index, random.int(1, 3))
        others.push(other)
        claims.push(claimOf(start, other))
      }
    }
    if (claims.length === 0) return
    const batches = [{ claims, signature: signTogether(signer, domain, claims) }]
    const message = { type: 'claims' as const, batches, blobs: [] }
    peer?.send(message)
    const problem = toProblem(new MusterError({ code: 'program_crashed', message: 'A lie.' }))
    peer?.send({ type: 'failures', failures: others.map((attempt) => ({ attempt, problem })) })
    world.after(random.between(0, 500), () => peer?.send(message))
  }

  const take = ({ batches }: Starts): void => {
    const starts = batches.flatMap(startsOf)
    for (const { attempt } of starts) attempts.add(attempt)
    if (isRogue) world.after(random.between(0, 3_000), () => lie(starts))
  }

  const handlers: AgentHandlers = {
    onCall: (async (call: string, request: unknown) => answer(call, request)) as AgentHandlers['onCall'],
    onMessage: (message) => {
      if (message.type === 'start') take(message)
      if (message.type === 'cancel' || message.type === 'settled')
        for (const id of message.attempts) attempts.delete(id)
    },
    onPutBlob: async () => {},
    onGetBlob: () => {
      throw new MusterError({ code: 'blob_missing', message: 'There is nothing here.' })
    },
  }

  run.timeline.after(plan.startsAtMs, () => {
    run.story.tell(plan.name, `starts, and is ${plan.kind}`)
    const link = network.agent(signer.address, market, world)
    void keepLinked(
      {
        dial: link.dial,
        nextEpoch: async () => ++epoch,
        handlers,
        onLinked: (linked) => {
          peer = linked
          publish()
        },
        onUnlinked: () => {
          peer = undefined
        },
      },
      { world, signal: new AbortController().signal },
    )
  })
}
