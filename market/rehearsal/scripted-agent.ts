import { execSpecDigest } from '@muster/graph'
import {
  MusterError,
  agentMessageSchema,
  blobListDigest,
  cidOf,
  createSigner,
  decodeCanonical,
  digestOf,
  encodeCanonical,
  encodeMessage,
  linkCalls,
  linkClosed,
  marketMessageSchema,
  newId,
  sealOf,
  loadSecp256k1,
  signBatch,
  signRecord,
  startsOf,
  termBetween,
  toHex,
  toProblem,
  type AgentMessage,
  type Amendment,
  type AgentPeer,
  type AttemptId,
  type AuctionId,
  type Cid,
  type Claim,
  type LeaseId,
  type LinkCall,
  type LinkRequest,
  type LinkResponse,
  type MarketMessage,
  type Offer,
  type Reservation,
  type ReservationId,
  type Reveal,
  type SignedClaim,
  type SignedCommitment,
  type SignedLease,
  type SignedReservation,
  type Start,
  type Timer,
  type World,
} from '@muster/protocol'
import type { Market } from '../market.ts'

import type { Outcome, ScriptedAgent, ScriptedAgentOptions, ScriptedMessage, SignedAlone } from './script.ts'

const secp256k1 = await loadSecp256k1()
const slotResources = { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 2 ** 30, gpuCount: 0 }

const isSignedAlone = (message: ScriptedMessage): message is SignedAlone =>
  message.type === 'claims' && 'claims' in message

/** Each claim with a signature of its own, as a batch of one. */
const batchEach = ({ claims, blobs }: SignedAlone): AgentMessage => ({
  type: 'claims',
  batches: claims.map(({ record, signature }) => {
    if (typeof signature !== 'string') throw new TypeError('expected a signature over one record')
    return { claims: [record], signature }
  }),
  blobs: [...blobs],
})

/** An agent that follows the protocol as written, on the world of the test, except where its script says otherwise. */
export const createScriptedAgent = (world: World, options: ScriptedAgentOptions): ScriptedAgent => {
  const signer = createSigner(secp256k1, new Uint8Array(32).fill(options.key))
  const inlineBytes = options.inlineBytes ?? 32 * 1024
  const offerId = newId(world, 'offer')
  const reservations = new Map<ReservationId, SignedReservation>()
  const leases = new Map<LeaseId, SignedLease>()
  const amendments = new Map<LeaseId, Amendment>()
  const bids = new Map<AuctionId, Reveal>()
  const heard: MarketMessage[] = []
  const attempts = new Map<AttemptId, Start>()
  const running = new Map<AttemptId, Timer>()
  const queue: Start[] = []
  const done = new Map<AttemptId, ScriptedMessage>()
  const outputs = new Map<Cid, Uint8Array>()
  const starts: Start[] = []
  const settled: AttemptId[] = []
  const cancelled: AttemptId[] = []
  const calls: LinkCall[] = []
  let market: Market | undefined
  let peer: AgentPeer | undefined
  let pending = new Set<(error: unknown) => void>()
  let epoch = 0
  let lastOffer: Partial<Offer> = {}

  const domain = () => {
    if (market === undefined) throw new Error('the agent was never linked')
    return market.domain
  }

  /** A lease that was amended holds fewer than were reserved. */
  const slotsOf = (record: Reservation): number => {
    const lease = [...leases.values()].find((each) => each.record.reservation === digestOf(record))
    return lease === undefined ? record.slots : widthOf(lease.record.id)
  }

  const held = (): number => {
    const byReservation = [...reservations.values()].reduce((sum, { record }) => sum + slotsOf(record), 0)
    return byReservation
  }

  const send = (said: ScriptedMessage): void => {
    if (peer === undefined) return
    const message = isSignedAlone(said) ? batchEach(said) : said
    market?.peers.onMessage(peer, agentMessageSchema.parse(decodeCanonical(encodeMessage(message))))
  }

  const publish = (change: Partial<Offer> = lastOffer): void => {
    lastOffer = change
    const offer: Offer = {
      kind: 'offer',
      id: offerId,
      market: domain().market,
      provider: signer.address,
      resources: slotResources,
      slots: Math.max(0, options.slots - held()),
      runtimes: ['noop', 'graph'],
      execSpec: execSpecDigest,
      gpus: [],
      region: 'eu-west',
      country: 'NL',
      attributes: {},
      price: { nanoUsd: options.nanoUsd, per: 'task' },
      issuedAt: world.now(),
      expiresAt: world.now() + 3_600_000,
      ...options.offer,
      ...change,
    }
    send({ type: 'offers', offers: signBatch(signer, domain(), [offer]), counted: [...reservations.keys()] })
  }

  const reserve = ({ order, offer, slots, ttlMs }: LinkRequest<'reserve'>): SignedReservation => {
    if (held() + slots > options.slots) {
      throw new MusterError({ code: 'capacity_taken', message: 'These slots are taken.', facts: { slots } })
    }
    const term = termBetween(order.record, { ...options.offer, ...lastOffer })
    const record: Reservation = {
      kind: 'reservation',
      id: newId(world, 'reservation'),
      market: domain().market,
      provider: signer.address,
      order: digestOf(order.record),
      offer,
      slots,
      resources: { ...slotResources, ...options.offer?.resources },
      gpus: (options.offer?.gpus ?? [])
        .slice(0, slots * (options.offer?.resources?.gpuCount ?? 0))
        .map(({ uuid }) => uuid),
      price: { nanoUsd: options.nanoUsd, per: 'task', ...options.offer?.price, ...lastOffer.price },
      ...(term === undefined ? {} : { term }),
      issuedAt: world.now(),
      expiresAt: world.now() + ttlMs,
    }
    const signed = signRecord(signer, domain(), record)
    reservations.set(record.id, signed)
    world.after(0, () => publish())
    world.after(ttlMs, () => {
      const isLeased = [...leases.values()].some(({ record: lease }) => lease.reservation === digestOf(record))
      if (!isLeased && reservations.delete(record.id)) publish()
    })
    return signed
  }

  const sealBid = ({ auction, order, offer, slots, windowMs, holdMs }: LinkRequest<'solicit'>): SignedCommitment => {
    const reservation = reserve({ order, offer, slots, ttlMs: windowMs + holdMs })
    const salt = toHex(world.random(32))
    const parts = { auction, order: digestOf(order.record), provider: signer.address }
    const seal = sealOf({ ...parts, reservation: digestOf(reservation.record), salt })
    bids.set(auction, { reservation, salt })
    return signRecord(signer, domain(), { kind: 'commitment', market: domain().market, ...parts, seal } as const)
  }

  const openBid = (auction: AuctionId): Reveal => {
    const bid = bids.get(auction)
    if (bid === undefined) throw new MusterError({ code: 'not_found', message: 'No such bid.' })
    return bid
  }

  const openLease = ({ lease, reservation }: LinkRequest<'open-lease'>): void => {
    if (leases.has(lease.record.id)) return
    const known = [...reservations.values()].find(({ record }) => digestOf(record) === reservation)
    if (known === undefined) {
      throw new MusterError({ code: 'reservation_expired', message: 'This reservation is not held any more.' })
    }
    leases.set(lease.record.id, lease)
  }

  const drop = (id: AttemptId): void => {
    running.get(id)?.cancel()
    running.delete(id)
    attempts.delete(id)
    done.delete(id)
    const at = queue.findIndex(({ attempt }) => attempt === id)
    if (at >= 0) queue.splice(at, 1)
  }

  const closeLease = ({ lease }: LinkRequest<'close-lease'>): void => {
    const known = leases.get(lease)
    if (known === undefined) return
    leases.delete(lease)
    for (const [id, { record }] of reservations)
      if (digestOf(record) === known.record.reservation) reservations.delete(id)
    for (const start of [...attempts.values()]) if (start.lease === lease) drop(start.attempt)
    publish()
  }

  const amendLease = ({ lease: id, number, slots, until }: LinkRequest<'amend-lease'>) => {
    const lease = leases.get(id)
    if (lease === undefined) throw new MusterError({ code: 'lease_closed', message: 'No such lease.' })
    const { job, price } = lease.record
    const { market: of } = domain()
    const terms = {
      market: of,
      provider: signer.address,
      job,
      lease: digestOf(lease.record),
      number,
      slots,
      until,
      price,
    }
    const record: Amendment = { kind: 'amendment', ...terms, issuedAt: world.now() }
    amendments.set(id, record)
    return signRecord(signer, domain(), record)
  }

  const honestHoldings = (): LinkResponse<'holdings'> => ({
    leases: [...leases.keys()],
    attempts: [...attempts.keys()],
  })

  const answer = async (call: LinkCall, request: unknown): Promise<unknown> => {
    const { script } = agent
    switch (call) {
      case 'reserve': {
        const asked = request as LinkRequest<'reserve'>
        const honest = () => reserve(asked)
        return script.reserve === undefined ? honest() : script.reserve(honest, asked)
      }
      case 'open-lease': {
        const asked = request as LinkRequest<'open-lease'>
        const honest = () => {
          openLease(asked)
          if (asked.first !== null) take({ type: 'start', ...asked.first })
        }
        await (script.openLease === undefined ? honest() : script.openLease(honest, asked.lease))
        return {}
      }
      case 'close-lease': {
        const honest = () => closeLease(request as LinkRequest<'close-lease'>)
        await (script.closeLease === undefined ? honest() : script.closeLease(honest))
        return {}
      }
      case 'solicit': {
        const asked = request as LinkRequest<'solicit'>
        const honest = () => sealBid(asked)
        return script.solicit === undefined ? honest() : script.solicit(honest, asked)
      }
      case 'reveal': {
        const asked = request as LinkRequest<'reveal'>
        const honest = () => openBid(asked.closing.record.auction)
        return script.reveal === undefined ? honest() : script.reveal(honest, asked)
      }
      case 'amend-lease': {
        const asked = request as LinkRequest<'amend-lease'>
        const honest = () => amendLease(asked)
        return script.amendLease === undefined ? honest() : script.amendLease(honest, asked)
      }
      case 'release':
        reservations.delete((request as LinkRequest<'release'>).reservation)
        publish()
        return {}
      case 'holdings':
        return script.holdings === undefined ? honestHoldings() : script.holdings(honestHoldings)
      case 'benchmark':
        throw new MusterError({ code: 'forbidden', message: 'The owner of this machine allows no benchmarks.' })
      case 'logs':
        return { lines: [`log of ${(request as LinkRequest<'logs'>).attempt}`] }
    }
  }

  const claimFor = (start: Start, named: Readonly<Record<string, Uint8Array>> = {}, slotMs = agent.taskMs): Claim => ({
    kind: 'claim',
    market: domain().market,
    provider: signer.address,
    lease: start.lease,
    attempt: start.attempt,
    program: start.program,
    execSpec: start.runtime === 'graph' ? execSpecDigest : '',
    inputs: blobListDigest(start.inputs),
    outputs: Object.entries(named).map(([name, bytes]) => ({ name, cid: cidOf(bytes) })),
    meter: { slotMs, cpuMs: slotMs, peakMemoryBytes: 1 },
    startedAt: world.now(),
    endedAt: world.now(),
  })
  const sign = (claim: Claim, by = signer): SignedClaim => signRecord(by, domain(), claim)

  const finish = (start: Start): void => {
    running.delete(start.attempt)
    const outcome = agent.script.run?.(start) ?? { outputs: {} }
    if (outcome !== 'silence') {
      const message = outcomeMessage(start, outcome)
      done.set(start.attempt, message)
      send(message)
    }
    pump()
  }

  const outcomeMessage = (start: Start, outcome: Exclude<Outcome, 'silence'>): ScriptedMessage => {
    if ('problem' in outcome)
      return { type: 'failures', failures: [{ attempt: start.attempt, problem: outcome.problem }] }
    const named = Object.values(outcome.outputs)
    for (const bytes of named) outputs.set(cidOf(bytes), bytes)
    const claim = claimFor(start, outcome.outputs, outcome.slotMs)
    const signed = agent.script.claim?.(claim, sign) ?? sign(claim)
    return { type: 'claims', claims: [signed], blobs: named.filter(({ length }) => length <= inlineBytes) }
  }

  const widthOf = (lease: LeaseId): number => amendments.get(lease)?.slots ?? leases.get(lease)?.record.slots ?? 0

  const pump = (): void => {
    for (const start of [...queue]) {
      const busy = [...running.keys()].filter((id) => attempts.get(id)?.lease === start.lease).length
      if (busy >= widthOf(start.lease)) continue
      queue.splice(queue.indexOf(start), 1)
      running.set(
        start.attempt,
        world.after(agent.taskMs, () => finish(start)),
      )
    }
  }

  const take = (message: MarketMessage): void => {
    heard.push(message)
    switch (message.type) {
      case 'auction-over': {
        const bid = bids.get(message.auction)
        if (message.hasWon || bid === undefined) return
        if (reservations.delete(bid.reservation.record.id)) publish()
        return
      }
      case 'start':
        for (const start of message.batches.flatMap(startsOf)) {
          if (attempts.has(start.attempt)) continue
          starts.push(start)
          if (!leases.has(start.lease)) {
            const problem = toProblem(new MusterError({ code: 'lease_closed', message: 'No such lease.' }))
            send({ type: 'failures', failures: [{ attempt: start.attempt, problem }] })
            continue
          }
          attempts.set(start.attempt, start)
          queue.push(start)
        }
        return pump()
      case 'cancel':
        for (const id of message.attempts) {
          cancelled.push(id)
          drop(id)
        }
        return pump()
      case 'settled':
        for (const id of message.attempts) {
          settled.push(id)
          attempts.delete(id)
          done.delete(id)
        }
        return
      default:
    }
  }

  const createPeer = (mine: number): AgentPeer => {
    const isOpen = () => peer?.epoch === mine
    return {
      provider: signer.address,
      epoch: mine,
      call: <Call extends LinkCall>(call: Call, request: LinkRequest<Call>, { timeoutMs }: { timeoutMs: number }) =>
        new Promise<LinkResponse<Call>>((resolve, reject) => {
          if (!isOpen()) return reject(linkClosed('lost'))
          calls.push(call)
          pending.add(reject)
          const settle = () => {
            pending.delete(reject)
            timer.cancel()
          }
          const timer = world.after(timeoutMs, () => {
            settle()
            reject(new MusterError({ code: 'timeout', message: `The agent did not answer ${call}.` }))
          })
          const schemas = linkCalls[call]
          const sent = schemas.request.parse(decodeCanonical(encodeCanonical(request)))
          answer(call, sent)
            .then((value) => schemas.response.parse(decodeCanonical(encodeCanonical(value))) as LinkResponse<Call>)
            .then(resolve, reject)
            .finally(settle)
        }),
      send: (message) => {
        if (isOpen()) take(marketMessageSchema.parse(decodeCanonical(encodeMessage(message))))
      },
      putBlob: async (_, bytes) => {
        for await (const chunk of bytes) void chunk
      },
      getBlob: async function* (cid) {
        const bytes = outputs.get(cid)
        if (!isOpen()) throw linkClosed('lost')
        if (bytes === undefined)
          throw new MusterError({ code: 'blob_missing', message: 'No such output.', facts: { cid } })
        yield agent.script.blob?.(bytes) ?? bytes
      },
      close: () => agent.cut(),
    }
  }

  const agent: ScriptedAgent = {
    address: signer.address,
    signer,
    script: options.script ?? {},
    taskMs: options.taskMs ?? 5,
    link: (to) => {
      agent.cut()
      market = to
      epoch++
      peer = createPeer(epoch)
      to.peers.onOpen(peer)
      publish()
      agent.repeat()
    },
    cut: () => {
      const old = peer
      if (old === undefined) return
      peer = undefined
      const waiting = pending
      pending = new Set()
      for (const reject of waiting) reject(linkClosed('lost'))
      market?.peers.onClose(old, 'lost')
    },
    wipe: () => {
      for (const id of [...attempts.keys()]) drop(id)
      leases.clear()
      reservations.clear()
    },
    publish,
    send,
    repeat: () => {
      for (const message of [...done.values()]) send(message)
    },
    claimFor,
    sign,
    leases,
    reservations,
    bids,
    heard,
    starts,
    settled,
    cancelled,
    calls,
    attempts,
  }
  return agent
}
