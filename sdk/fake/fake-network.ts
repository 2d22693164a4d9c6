import {
  attemptId,
  blobListDigest,
  chargeFor,
  cidOf,
  commitSpec,
  createSigner,
  describeEvent,
  digestBytes,
  digestOf,
  explainNoFit,
  MusterError,
  newId,
  nobleSecp256k1,
  parseId,
  rankOffers,
  signBatch,
  signRecord,
  stepJob,
  systemWorld,
  termBetween,
  toHex,
  type Address,
  type AttemptRef,
  type Cid,
  type Job,
  type JobEvent,
  type JobId,
  type CommittedSpec,
  type JobSpec,
  type JobView,
  type NamedBlob,
  type Offer,
  type OfferTerm,
  type Order,
  type ReceiptBundle,
  type SignedLease,
  type SignedOffer,
  type SignedOrder,
  type SignedReservation,
  type Signer,
  type TenantId,
  type TimelineEvent,
} from '@muster/protocol'
import { decodeManifest } from '@muster/graph'

const utf8 = new TextEncoder()

/** A signer whose key is made of a name, for tests. */
export const signerNamed = (name: string): Signer => createSigner(nobleSecp256k1, digestBytes(utf8.encode(name)))

export interface FakeNetworkOptions {
  /** What a task puts out; by default one blob `out` with the JSON of its inputs. */
  readonly run?: (inputs: readonly NamedBlob[], index: number) => ReadonlyMap<string, Uint8Array>
  /** Tasks whose first attempt fails. */
  readonly failing?: ReadonlySet<number>
  /** The tenant's own address; else the market signs its orders. */
  readonly tenantAddress?: Address
  /** The market signs orders with its own key. */
  readonly keptByMarket?: boolean
  readonly balance?: bigint
  /** The leases that are offered. */
  readonly term?: OfferTerm
  /** Of the offers by the task. Default 600. */
  readonly priceNanoUsd?: bigint
}

interface FakeJob {
  readonly job: Job
  readonly name: string
  readonly view: () => JobView
  readonly timeline: TimelineEvent[]
  readonly bundles: ReceiptBundle[]
  readonly lease: SignedLease
  readonly reservation: SignedReservation
}

export const chainId = 31_337

/** A market and its providers without wire, disk or time: jobs are awarded at once and run when told to. Real records, real signatures. */
export const createFakeNetwork = (options: FakeNetworkOptions = {}) => {
  const world = systemWorld
  const marketSigner = signerNamed('market')
  const keptSigner = options.keptByMarket === true ? marketSigner : signerNamed('kept for the tenant')
  const providers = [signerNamed('provider a'), signerNamed('provider b')]
  const market = marketSigner.address
  const domain = { chainId, market }
  const tenant: TenantId = newId(world, 'tenant')
  const jobs = new Map<JobId, FakeJob>()
  const byKey = new Map<string, JobId>()
  const blobs = new Map<Cid, Uint8Array>()
  const listeners = new Set<() => void>()
  const address = options.tenantAddress ?? keptSigner.address
  const custody: Order['custody'] = options.tenantAddress === undefined ? 'market' : 'tenant'

  const offers: SignedOffer[] = providers.map((signer, index) => {
    const now = world.now()
    const offer: Offer = {
      kind: 'offer',
      id: newId(world, 'offer'),
      market,
      provider: signer.address,
      resources: { cpuMilli: 1000 * (index + 1), memoryBytes: 2 ** 30 * (index + 1), diskBytes: 2 ** 32, gpuCount: 0 },
      slots: 4,
      runtimes: ['graph', 'noop'],
      execSpec: '',
      gpus: [],
      region: index === 0 ? 'eu-west' : 'us-east',
      country: index === 0 ? 'DE' : 'US',
      attributes: {},
      price: index === 0 ? { nanoUsd: 500n, per: 'operator' } : { nanoUsd: options.priceNanoUsd ?? 600n, per: 'task' },
      ...(options.term === undefined ? {} : { term: options.term }),
      issuedAt: now,
      expiresAt: now + 3_600_000,
    }
    return signRecord(signer, domain, offer)
  })

  const append = (fake: FakeJob, event: JobEvent): void => {
    stepJob(fake.job, event)
    fake.timeline.push(describeEvent(fake.job, fake.timeline.length + 1, event))
    for (const listener of listeners) listener()
  }

  const viewOf = (job: Job, name: string): JobView => ({
    id: job.id,
    name,
    phase: job.closed === null ? 'active' : 'closed',
    outcome: job.closed,
    counts: { ...job.counts },
    ceiling: job.spec.ceiling,
    charged: job.charged,
    submittedAt: job.submittedAt,
    unmatched: job.unmatched,
  })

  const keepOrder = (spec: CommittedSpec, key: string | undefined): SignedOrder => {
    const issuedAt = world.now()
    const { slots, resources, runtime, placement, award, lease, maxPrice, ceiling } = spec
    return signRecord(keptSigner, domain, {
      kind: 'order',
      id: key === undefined ? newId(world, 'order') : parseId('order', key),
      market,
      tenant,
      custody,
      job: digestOf(spec),
      slots,
      resources,
      runtime,
      placement,
      award,
      ...(lease === undefined ? {} : { lease }),
      maxPrice,
      ceiling,
      nonce: toHex(world.random(16)),
      issuedAt,
      expiresAt: issuedAt + 3_600_000,
    })
  }

  const award = (id: JobId, spec: CommittedSpec, order: SignedOrder, offer: SignedOffer) => {
    const signer = providers.find((one) => one.address === offer.record.provider) ?? marketSigner
    const now = world.now()
    const slots = Math.min(spec.slots, offer.record.slots)
    const term = termBetween(order.record, offer.record)
    const terms = term === undefined ? {} : { term }
    const reservation: SignedReservation = signRecord(signer, domain, {
      kind: 'reservation',
      id: newId(world, 'reservation'),
      market,
      provider: signer.address,
      order: digestOf(order.record),
      offer: offer.record.id,
      slots,
      resources: spec.resources,
      gpus: [],
      price: offer.record.price,
      ...terms,
      issuedAt: now,
      expiresAt: now + 10_000,
    })
    const lease: SignedLease = signRecord(marketSigner, domain, {
      kind: 'lease',
      id: newId(world, 'lease'),
      market,
      provider: signer.address,
      tenant,
      job: id,
      order: digestOf(order.record),
      reservation: digestOf(reservation.record),
      slots,
      resources: spec.resources,
      runtime: spec.runtime,
      price: offer.record.price,
      bond: 0n,
      startsAt: now,
      paidUntil: now + (order.record.lease?.termMs ?? 3_600_000),
      ...terms,
    })
    return { reservation, lease }
  }

  const submit = (written: JobSpec, given: SignedOrder | undefined, key: string | undefined): JobView => {
    const known = key === undefined ? undefined : byKey.get(key)
    const again = known === undefined ? undefined : jobs.get(known)
    if (again !== undefined) return again.view()
    const spec = commitSpec(written, written.nameSalt ?? toHex(world.random(32)))
    const now = world.now()
    const [offer] = rankOffers(spec, offers, now)
    if (offer === undefined) throw explainNoFit(spec, offers, now)
    if (spec.ceiling > (options.balance ?? 10n ** 12n)) {
      throw new MusterError({
        code: 'insufficient_funds',
        message: 'The balance does not cover the job’s ceiling; deposit more or lower the ceiling.',
        facts: { expected: spec.ceiling.toString(), found: String(options.balance ?? 10n ** 12n) },
      })
    }
    const manifest = spec.program === null ? undefined : blobs.get(spec.program)
    if (spec.program !== null && manifest === undefined) {
      throw new MusterError({
        code: 'blob_missing',
        message: 'The program is not at this market; publish it first.',
        facts: { cid: spec.program },
      })
    }
    const { operators, execSpec, outputs } =
      manifest === undefined ? { operators: 0, execSpec: '' as const, outputs: [] } : decodeManifest(manifest)
    const order = given ?? keepOrder(spec, key)
    const id = parseId('job', `job_${order.record.id.slice(4)}`)
    const { reservation, lease } = award(id, spec, order, offer)
    const declared = { operators, execSpec, declaredOutputs: outputs }
    const submitted: JobEvent = { type: 'submitted', at: now, job: id, tenant, spec, order, ...declared }
    const job = stepJob(undefined, submitted)
    const fake: FakeJob = {
      job,
      name: written.name,
      view: () => viewOf(job, written.name),
      timeline: [describeEvent(job, 1, submitted)],
      bundles: [],
      reservation,
      lease,
    }
    jobs.set(id, fake)
    if (key !== undefined) byKey.set(key, id)
    append(fake, { type: 'lease-opened', at: now, lease, reservation })
    return fake.view()
  }

  const require = (id: string): FakeJob => {
    const fake = jobs.get(id as JobId)
    if (fake !== undefined) return fake
    throw new MusterError({ code: 'not_found', message: 'There is no such job.', facts: { job: id } })
  }

  /** Hands this many waiting tasks of a job out, and lets nothing come of them yet. */
  const dispatch = (id: JobId, count = Number.POSITIVE_INFINITY): void => {
    const fake = require(id)
    const { job, lease } = fake
    const attempts = [...job.waiting]
      .slice(0, count)
      .map((index) => ({ index, fence: (job.tasks[index]?.fence ?? 0) + 1 }))
    if (attempts.length === 0) return
    append(fake, { type: 'dispatched', at: world.now(), lease: lease.record.id, attempts })
  }

  const handedOut = ({ job, lease }: FakeJob): AttemptRef[] =>
    [...(job.inFlight.get(lease.record.id) ?? [])].map((index) => ({ index, fence: job.tasks[index]?.fence ?? 0 }))

  /** Runs what was handed out and this many waiting tasks of a job in one turn; closes the job once none is left. */
  const run = (id: JobId, count = Number.POSITIVE_INFINITY): void => {
    const fake = require(id)
    const { job, lease } = fake
    if (job.closed !== null) return
    const signer = providers.find((one) => one.address === lease.record.provider) ?? marketSigner
    const at = world.now()
    dispatch(id, count)
    const refs = handedOut(fake)
    const bad = refs.filter(({ index }) => options.failing?.has(index) === true)
    const good = refs.filter((ref) => !bad.includes(ref))
    const claims = signBatch(
      signer,
      domain,
      good.map(({ index, fence }) => {
        const inputs = job.spec.tasks[index]?.inputs ?? []
        const made = options.run?.(inputs, index) ?? new Map([['out', utf8.encode(JSON.stringify(inputs))]])
        const outputs = [...made].map(([name, bytes]) => {
          const cid = cidOf(bytes)
          blobs.set(cid, bytes)
          return { name, cid }
        })
        return {
          kind: 'claim' as const,
          market,
          provider: signer.address,
          lease: lease.record.id,
          attempt: attemptId(id, index, fence),
          program: job.spec.program,
          execSpec: job.execSpec,
          inputs: blobListDigest(inputs),
          outputs,
          meter: { slotMs: 7, cpuMs: 5, peakMemoryBytes: 1000 },
          startedAt: at,
          endedAt: at + 7,
        }
      }),
    )
    const receipts = signBatch(
      marketSigner,
      domain,
      claims.map(({ record }) => ({
        kind: 'receipt' as const,
        id: newId(world, 'receipt'),
        market,
        provider: signer.address,
        tenant,
        lease: digestOf(lease.record),
        claim: digestOf(record),
        attempt: record.attempt,
        price: lease.record.price,
        operators: job.operators,
        slotMs: record.meter.slotMs,
        amount: chargeFor(lease.record.price, { operators: job.operators, slotMs: record.meter.slotMs }),
        reverses: null,
        issuedAt: at + 8,
      })),
    )
    if (good.length > 0) {
      append(fake, {
        type: 'claimed',
        at,
        attempts: good.map((ref, i) => ({ ...ref, claim: digestOf(claims[i]?.record) })),
      })
      append(fake, {
        type: 'accepted',
        at,
        attempts: good.flatMap((ref, i) => {
          const [claim, receipt] = [claims[i]?.record, receipts[i]?.record]
          if (claim === undefined || receipt === undefined) return []
          return [{ ...ref, receipt: receipt.id, amount: receipt.amount, outputs: claim.outputs }]
        }),
      })
      append(fake, { type: 'finalised', at, attempts: good })
    }
    claims.forEach((claim, i) => {
      const receipt = receipts[i]
      if (receipt === undefined) return
      const {
        reservation,
        job: { order },
      } = fake
      const amendments = fake.job.leases.get(lease.record.id)?.amendments ?? []
      const changed = amendments.length === 0 ? {} : { amendments: [...amendments] }
      fake.bundles.push({ chainId, receipt, claim, lease, reservation, order, ...changed })
    })
    if (bad.length > 0) {
      const problem = {
        code: 'program_crashed',
        message: 'The program crashed.',
        facts: {},
        fault: 'program' as const,
        retry: 'never' as const,
      }
      append(fake, { type: 'failed', at, attempts: bad.map((ref) => ({ ...ref, problem })) })
      append(fake, { type: 'abandoned', at, tasks: bad.map(({ index }) => index), problem })
    }
    if (job.counts.waiting > 0) return
    append(fake, { type: 'lease-closed', at, lease: lease.record.id, reason: 'done' })
    const outcome = job.counts.abandoned > 0 ? 'failed' : 'succeeded'
    append(fake, { type: 'closed', at, outcome, refund: job.spec.ceiling - job.paid })
  }

  const cancel = (id: string): JobView => {
    const fake = require(id)
    if (fake.job.closed !== null) return fake.view()
    const at = world.now()
    append(fake, { type: 'cancel-requested', at })
    const stopped = handedOut(fake)
    if (stopped.length > 0) append(fake, { type: 'cancelled-attempts', at, attempts: stopped })
    append(fake, { type: 'withdrawn', at, tasks: [...fake.job.waiting] })
    append(fake, { type: 'lease-closed', at, lease: fake.lease.record.id, reason: 'cancelled' })
    append(fake, { type: 'closed', at, outcome: 'cancelled', refund: fake.job.spec.ceiling - fake.job.paid })
    return fake.view()
  }

  return {
    ...{ market, tenant, address, custody, offers, jobs, blobs, submit, dispatch, run, cancel, require, listeners },
    append,
    signers: { market: marketSigner, kept: keptSigner, providers },
  }
}

export type FakeNetwork = ReturnType<typeof createFakeNetwork>
