import {
  MusterError,
  digestOf,
  escrowAccount,
  explainNoFit,
  idPrefixes,
  maxClockSkewMs,
  newId,
  parseId,
  rankOffers,
  signRecord,
  tenantAccount,
  toHex,
  transfer,
  type Cid,
  type Digest,
  type JobId,
  type JobSpec,
  type Order,
  type OrderId,
  type SignatureDomain,
  type SignedOrder,
  type Signer,
  type Verifier,
  type World,
} from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'
import type { AdmitProgram } from '../program/admit-program.ts'
import type { Store, Tenant } from '../store/store.ts'
import type { Supply } from '../supply/supply.ts'
import { checkSpec } from './check-spec.ts'
import type { JobActor } from './job-actor.ts'

export interface SubmitJobInput {
  readonly tenant: Tenant
  readonly spec: JobSpec
  /** Signed by the tenant; without one the market signs with the key it keeps. */
  readonly order: SignedOrder | undefined
  /** The order's id, sent again with a call that is repeated: the job it made then is the answer. */
  readonly idempotencyKey: OrderId | undefined
}

export interface SubmitJobModules {
  readonly world: World
  readonly store: Store
  readonly blobs: BlobStore
  readonly supply: Supply
  readonly verifier: Verifier
  readonly domain: SignatureDomain
  /** The market's own key: it signs for tenants that have none. */
  readonly signer: Signer
  readonly admitProgram: AdmitProgram
  readonly openActor: (id: JobId) => JobActor
}

/** How long an order may wait for slots, and for new ones after a loss. */
const orderTermMs = 7 * 24 * 3_600_000
const maxOrderTermMs = 30 * 24 * 3_600_000

const orderInvalid = (field: string, expected: unknown, found: unknown): MusterError =>
  new MusterError({
    code: 'record_invalid',
    message: `The order does not match the spec it came with: ${field}.`,
    facts: { field, expected, found },
    fault: 'tenant',
  })

/** What an order says of the job it is for. */
const orderTerms = (spec: JobSpec) => ({
  job: digestOf(spec),
  slots: spec.slots,
  resources: spec.resources,
  runtime: spec.runtime,
  placement: spec.placement,
  award: spec.award,
  maxPrice: spec.maxPrice,
  ceiling: spec.ceiling,
})

const keptOrder = (
  { tenant, spec, idempotencyKey }: SubmitJobInput,
  { world, domain, signer }: SubmitJobModules,
): SignedOrder => {
  const now = world.now()
  const order: Order = {
    kind: 'order',
    id: idempotencyKey ?? newId(world, 'order'),
    market: domain.market,
    tenant: tenant.id,
    custody: 'market',
    ...orderTerms(spec),
    nonce: toHex(world.random(16)),
    issuedAt: now,
    expiresAt: now + orderTermMs,
  }
  return signRecord(signer, domain, order)
}

/** Checks a tenant's own order against the spec, the clock and the tenant's key. */
const requireOrder = (signed: SignedOrder, tenant: Tenant, spec: JobSpec, modules: SubmitJobModules): void => {
  const { world, verifier, domain } = modules
  const { record } = signed
  if (tenant.address === null)
    throw orderInvalid('custody', 'no order: the market keeps this tenant’s key', record.custody)
  const now = world.now()
  if (record.issuedAt - now > maxClockSkewMs) {
    throw new MusterError({
      code: 'clock_skewed',
      message: 'This order was issued in the future: the clock it was made on is ahead of the market’s. Set the clock.',
      facts: { expected: `at most ${maxClockSkewMs} ms ahead`, found: `${record.issuedAt - now} ms ahead` },
      fault: 'tenant',
    })
  }
  if (record.expiresAt <= now || record.expiresAt > record.issuedAt + maxOrderTermMs) {
    throw new MusterError({
      code: 'record_expired',
      message: 'This order has expired or is valid for too long; sign a new one.',
      facts: { expected: `between ${now} and ${record.issuedAt + maxOrderTermMs}`, found: record.expiresAt },
      fault: 'tenant',
    })
  }
  const stated = { ...orderTerms(spec), market: domain.market, tenant: tenant.id, custody: 'tenant' as const }
  for (const [field, expected] of Object.entries(stated)) {
    const found: unknown = Reflect.get(record, field)
    if (digestOf(expected) !== digestOf(found)) throw orderInvalid(field, expected, found)
  }
  verifier.requireSigner(domain, signed, tenant.address)
}

const requireBlobs = async (store: Store, cids: readonly Cid[]): Promise<void> => {
  const known = await store.blobs.known(cids)
  const missing = cids.filter((cid) => !known.has(cid))
  if (missing.length === 0) return
  throw new MusterError({
    code: 'blob_missing',
    message: `The market does not hold ${missing.length} of the blobs this job names; upload them first. Nothing was charged.`,
    facts: { missing: missing.slice(0, 20), count: missing.length },
  })
}

const requireSupply = (order: Order, { supply, world }: SubmitJobModules): void => {
  const offers = [...supply.all()].map((offer) => ({
    ...offer,
    record: { ...offer.record, slots: Math.max(1, offer.record.slots) },
  }))
  if (rankOffers(order, offers, world.now()).length === 0) throw explainNoFit(order, offers, world.now())
}

/** An order makes one job, which carries its number. */
const jobOfOrder = (order: OrderId): JobId =>
  parseId('job', `${idPrefixes.job}_${order.slice(idPrefixes.order.length + 1)}`)

/** The job of a call that is repeated with its idempotency key. Throws `order_replayed` for one that is not marked so. */
const findRepeated = async ({ tenant, order, idempotencyKey }: SubmitJobInput, { store }: SubmitJobModules) => {
  const orderId = order?.record.id ?? idempotencyKey
  if (orderId === undefined) return undefined
  const known = await store.jobs.get(jobOfOrder(orderId))
  if (known === undefined) return undefined
  if (known.tenant === tenant.id && idempotencyKey === orderId) return known.id
  throw new MusterError({
    code: 'order_replayed',
    message: 'This order was used before; sign a new one for another job.',
    facts: { order: orderId },
  })
}

/**
 * Takes a job: checks everything, then writes its first event, its escrow and its order in one commit.
 * Rejects before anything is charged: `spec_invalid`, `program_refused`, `blob_missing`, `nothing_fits`, `signature_invalid`,
 * `record_expired`, `clock_skewed`, `order_replayed`, `insufficient_funds`.
 */
export const submitJob = async (input: SubmitJobInput, modules: SubmitJobModules): Promise<JobId> => {
  const { world, store, admitProgram, blobs, openActor } = modules
  const { tenant, spec } = input
  if (input.order !== undefined) requireOrder(input.order, tenant, spec, modules)
  const known = await findRepeated(input, modules)
  if (known !== undefined) return known
  const inputs = new Set(spec.tasks.flatMap((task) => task.inputs.map(({ cid }) => cid)))
  await requireBlobs(store, [...inputs, ...(spec.program === null ? [] : [spec.program])])
  const program = spec.program === null ? undefined : await admitProgram(spec.program)
  if (program !== undefined) await requireBlobs(store, [program.model])
  await checkSpec(spec, program, blobs)
  const order = input.order ?? keptOrder(input, modules)
  requireSupply(order.record, modules)

  const id = jobOfOrder(order.record.id)
  const actor = openActor(id)
  const kept = [...inputs, ...(spec.program === null || program === undefined ? [] : [spec.program, program.model])]
  await actor.step((draft) => {
    const at = draft.now
    draft.emit({ type: 'submitted', at, job: id, tenant: tenant.id, spec, order, operators: program?.operators ?? 0 })
    const digest: Digest = digestOf(order.record)
    draft.orders.push({ digest, tenant: tenant.id, job: id, expiresAt: order.record.expiresAt })
    draft.blobRefs.push(...kept.map((cid) => ({ cid, job: id })))
    if (spec.ceiling === 0n) return
    const [from, to] = [tenantAccount(tenant.id), escrowAccount(id)]
    draft.entries.push(transfer({ id: newId(world, 'entry'), kind: 'escrow', from, to, amount: spec.ceiling, at }))
  })
  return id
}
