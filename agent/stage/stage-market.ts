import {
  attemptId,
  batchTree,
  cidOf,
  digestOf,
  encodeMessage,
  linkClosed,
  newId,
  signRecord,
  spreadSignature,
  toHex,
  type Address,
  type AgentHandlers,
  type AgentMessage,
  type AttemptId,
  type AttemptRef,
  type Cid,
  type DialMarket,
  type Lease,
  type LinkCloseReason,
  type MarketMessage,
  type NamedBlob,
  type Order,
  type Signer,
  type SignedClaim,
  type SignedLease,
  type SignedOffer,
  type SignedOrder,
  type SignedReservation,
  type StartBatch,
  type Starts,
  type World,
} from '@muster/protocol'

/** What a start says otherwise than its lease would have it. */
export type StartChanges = Partial<Omit<StartBatch, 'tasks'>> & Partial<Pick<StartBatch['tasks'][number], 'inputs'>>

/** A market of one link, played by a test: it records what an agent says and says what it is told to. */
export interface StageMarket {
  readonly address: Address
  readonly chainId: number
  readonly dial: DialMarket
  /** All messages of the agent since the start, oldest first. */
  readonly messages: AgentMessage[]
  readonly epochs: number[]
  handlers(): AgentHandlers
  isLinked(): boolean
  /** Cuts the link; the agent dials again. */
  cut(reason?: LinkCloseReason): void
  /** While refused, dialling fails. */
  refuse(isRefused: boolean): void
  send(message: MarketMessage): void
  offers(): readonly SignedOffer[]
  claims(): SignedClaim[]
  failures(): Extract<AgentMessage, { type: 'failures' }>['failures'][number][]
  order(changes?: Partial<Order>): SignedOrder
  reserve(order: SignedOrder, slots?: number, ttlMs?: number): Promise<SignedReservation>
  lease(reservation: SignedReservation, changes?: Partial<Lease>): SignedLease
  open(lease: SignedLease, first?: Starts): Promise<void>
  close(lease: SignedLease): Promise<void>
  start(lease: SignedLease, index: number, fence?: number, changes?: StartChanges): AttemptId
  /** Starts attempts of these names in one batch. */
  startBatch(lease: SignedLease, tasks: readonly AttemptRef[]): AttemptId[]
  /** Streams a blob as the market would. */
  put(bytes: Uint8Array): Promise<Cid>
}

export const input = (name: string, bytes: Uint8Array): NamedBlob => ({ name, cid: cidOf(bytes) })

/** A batch of starts as its lease would have it. */
export const batchOf = ({ id, job, runtime }: Lease, tasks: StartBatch['tasks']): StartBatch => ({
  job,
  lease: id,
  runtime,
  program: null,
  timeoutMs: 60_000,
  tasks,
})

export const createStageMarket = (world: World, signer: Signer, chainId = 1): StageMarket => {
  const market = signer.address
  const messages: AgentMessage[] = []
  const epochs: number[] = []
  const domain = { chainId, market }
  let current: { readonly handlers: AgentHandlers; readonly lost: (reason: LinkCloseReason) => void } | null = null
  let isRefused = false

  const requireLink = (): AgentHandlers => {
    if (current === null) throw linkClosed('lost')
    return current.handlers
  }

  const offers = (): readonly SignedOffer[] => messages.findLast((message) => message.type === 'offers')?.offers ?? []

  return {
    address: market,
    chainId,
    messages,
    epochs,
    dial: async (epoch, handlers) => {
      if (isRefused) throw linkClosed('lost')
      const closed = Promise.withResolvers<LinkCloseReason>()
      const link = { handlers, lost: closed.resolve }
      epochs.push(epoch)
      current = link
      return {
        market,
        closed: closed.promise,
        close: () => {
          if (current === link) current = null
          closed.resolve('shutdown')
        },
        send: (message) => {
          if (current !== link) return
          encodeMessage(message)
          messages.push(message)
        },
      }
    },
    handlers: requireLink,
    isLinked: () => current !== null,
    cut: (reason = 'lost') => {
      const link = current
      current = null
      link?.lost(reason)
    },
    refuse: (refused) => {
      isRefused = refused
    },
    send: (message) => requireLink().onMessage(message),
    offers,
    claims: () =>
      messages
        .flatMap((message) => (message.type === 'claims' ? message.batches : []))
        .flatMap(({ claims, signature }) => spreadSignature(claims, batchTree(claims), signature)),
    failures: () => messages.flatMap((message) => (message.type === 'failures' ? message.failures : [])),
    order: (changes = {}) =>
      signRecord(signer, domain, {
        kind: 'order',
        id: newId(world, 'order'),
        market,
        tenant: newId(world, 'tenant'),
        custody: 'market',
        job: digestOf({ job: 1 }),
        slots: 1,
        resources: { cpuMilli: 1000, memoryBytes: 2 ** 20, diskBytes: 0, gpuCount: 0 },
        runtime: 'noop',
        placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
        award: 'lowest',
        maxPrice: { nanoUsd: 10_000n, per: 'task' },
        ceiling: 1_000_000n,
        nonce: toHex(world.random(16)),
        issuedAt: world.now(),
        expiresAt: world.now() + 60_000,
        ...changes,
      }),
    reserve: (order, slots = order.record.slots, ttlMs = 10_000) => {
      const offer = offers().find(({ record }) => record.runtimes.includes(order.record.runtime))
      if (offer === undefined) throw new Error('the agent has published no such offer')
      return requireLink().onCall('reserve', { order, offer: offer.record.id, slots, ttlMs })
    },
    lease: ({ record }, changes = {}) =>
      signRecord(signer, domain, {
        kind: 'lease',
        id: newId(world, 'lease'),
        market,
        provider: record.provider,
        tenant: newId(world, 'tenant'),
        job: newId(world, 'job'),
        order: record.order,
        reservation: digestOf(record),
        slots: record.slots,
        resources: record.resources,
        runtime: 'noop',
        price: record.price,
        bond: 0n,
        startsAt: world.now(),
        paidUntil: world.now() + 600_000,
        ...changes,
      }),
    open: async (lease, first) => {
      await requireLink().onCall('open-lease', { lease, reservation: lease.record.reservation, first: first ?? null })
    },
    close: async (lease) => {
      await requireLink().onCall('close-lease', { lease: lease.record.id })
    },
    start: ({ record }, index, fence = 1, changes = {}) => {
      const { inputs = [], ...common } = changes
      const batch = { ...batchOf(record, [{ index, fence, inputs }]), ...common }
      requireLink().onMessage({ type: 'start', batches: [batch], blobs: [] })
      return attemptId(batch.job, index, fence)
    },
    startBatch: ({ record }, tasks) => {
      const batch = batchOf(
        record,
        tasks.map(({ index, fence }) => ({ index, fence, inputs: [] })),
      )
      requireLink().onMessage({ type: 'start', batches: [batch], blobs: [] })
      return tasks.map(({ index, fence }) => attemptId(batch.job, index, fence))
    },
    put: async (bytes) => {
      const cid = cidOf(bytes)
      const chunks = async function* () {
        yield bytes
      }
      await requireLink().onPutBlob(cid, chunks())
      return cid
    },
  }
}
