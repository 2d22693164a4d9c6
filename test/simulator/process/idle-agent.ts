import {
  digestOf,
  MusterError,
  newId,
  signRecord,
  type Address,
  type AgentHandlers,
  type AttemptId,
  type LeaseId,
  type LinkRequest,
  type MarketPeer,
  type Offer,
  type SignedReservation,
} from '@muster/protocol'
import { keepLinked } from '../../../agent/link/keep-linked.ts'
import type { MemoryNetwork } from '../memory-network.ts'
import type { AgentPlan } from '../scenario/scenario.ts'
import { createProcessWorld } from '../world/process-world.ts'
import { chainId } from './keys.ts'
import type { Run } from './run.ts'

/** An agent that reserves, takes leases, says that it holds what it was sent, and does nothing. */
export const startIdleAgent = (plan: AgentPlan, market: Address, network: MemoryNetwork, run: Run): void => {
  const { world } = createProcessWorld(run.timeline, run.random.fork(plan.name), plan.skewMs)
  const signer = run.keys.signerOf(plan.name)
  const domain = { chainId, market }
  const reservations = new Map<string, SignedReservation>()
  const leases = new Map<LeaseId, number>()
  const attempts = new Set<AttemptId>()
  const offer: Offer = {
    kind: 'offer',
    id: newId(world, 'offer'),
    market,
    provider: signer.address,
    resources: { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 2 ** 30, gpuCount: 0 },
    slots: plan.slots,
    runtimes: ['noop'],
    execSpec: '',
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

  const publish = () => peer?.send({ type: 'offers', offers: [signRecord(signer, domain, offer)] })

  const answer = (call: string, request: unknown): unknown => {
    switch (call) {
      case 'reserve':
        return reserve(request as LinkRequest<'reserve'>)
      case 'open-lease': {
        const { lease } = request as LinkRequest<'open-lease'>
        leases.set(lease.record.id, lease.record.slots)
        return {}
      }
      case 'close-lease':
        leases.delete((request as LinkRequest<'close-lease'>).lease)
        publish()
        return {}
      case 'holdings':
        return { leases: [...leases.keys()], attempts: [...attempts] }
      default:
        return {}
    }
  }

  const handlers: AgentHandlers = {
    onCall: (async (call: string, request: unknown) => answer(call, request)) as AgentHandlers['onCall'],
    onMessage: (message) => {
      if (message.type === 'start') for (const { attempt } of message.starts) attempts.add(attempt)
      if (message.type === 'cancel' || message.type === 'settled') for (const id of message.attempts) attempts.delete(id)
    },
    onPutBlob: async () => {},
    onGetBlob: () => {
      throw new MusterError({ code: 'blob_missing', message: 'There is nothing here.' })
    },
  }

  run.timeline.after(plan.startsAtMs, () => {
    run.story.tell(plan.name, 'starts, and will do nothing')
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
