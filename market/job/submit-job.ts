import {
  MusterError,
  commitSpec,
  digestOf,
  escrowAccount,
  newId,
  tellNoFit,
  tenantAccount,
  transfer,
  toHex,
  type Cid,
  type CommittedSpec,
  type Demand,
  type JobId,
  type Hex,
  type JobSpec,
  type OrderId,
  type SignedOrder,
  type TenantId,
} from '@muster/protocol'
import type { ProgramManifest } from '@muster/graph'
import { openDemand } from '../auction/find-bidders.ts'
import type { FindNear } from '../auction/find-near.ts'
import type { FindOffers } from '../auction/find-offers.ts'
import type { BlobStore } from '../blob/blob-store.ts'
import { leaseTermMs } from '../lease/open-lease.ts'
import { unbondedOf, type OfferedCover } from '../ledger/offered-cover.ts'
import type { Supply } from '../supply/supply.ts'
import type { Names } from '../personal/names.ts'
import type { AdmitProgram } from '../program/admit-program.ts'
import type { Store, Tenant } from '../store/store.ts'
import { checkSpec } from './check-spec.ts'
import { findRepeated, jobOfOrder } from './find-repeated.ts'
import type { JobActor } from './job-actor.ts'
import type { Jobs } from './jobs.ts'
import { keptOrder, requireOrder, type MakeOrderModules } from './make-order.ts'

export interface SubmitJobInput {
  readonly tenant: Tenant
  readonly spec: JobSpec
  /** Signed by the tenant; without one the market signs with its own key, where the tenant has none. */
  readonly order: SignedOrder | undefined
  /** The order's id, sent again with a call that is repeated: the job it made then is the answer. */
  readonly idempotencyKey: OrderId | undefined
}

export interface SubmitJobModules extends MakeOrderModules {
  readonly store: Store
  readonly blobs: BlobStore
  readonly supply: Supply
  readonly findOffers: FindOffers
  readonly findNear: FindNear
  readonly jobs: Jobs
  readonly admitProgram: AdmitProgram
  readonly offeredCover: OfferedCover
  readonly names: Pick<Names, 'seal' | 'saltFor'>
  readonly openActor: (id: JobId) => JobActor
  /** How long the market's leases last where an order does not say. */
  readonly leaseTermMs: number
  /** Throws where the market takes no such job now: `forbidden` with the reason, `unavailable` while it drains. */
  readonly requireWelcome: (tenant: TenantId, program: Cid | null) => void
}

export const requireBlobs = async (store: Store, cids: readonly Cid[]): Promise<void> => {
  const known = await store.blobs.known(cids)
  const missing = cids.filter((cid) => !known.has(cid))
  if (missing.length === 0) return
  throw new MusterError({
    code: 'blob_missing',
    message: `The market does not hold ${missing.length} of the blobs this job names; upload them first. Nothing was charged.`,
    facts: { missing: missing.slice(0, 20), count: missing.length },
  })
}

/** Whether some linked agent could ever take the order: one that is busy now, or has yet to put up stake, will do. */
const requireSupply = async (
  demand: Demand,
  { findOffers, findNear, offeredCover }: SubmitJobModules,
): Promise<void> => {
  if ((await findOffers(demand, { limit: 1 })).length > 0) return
  const whatever = { needsSlots: false, unbonded: new Set<never>(), declined: new Set<never>() }
  if ((await findNear(demand, whatever)).fitting > 0) return
  const unbonded = unbondedOf(await offeredCover())
  throw tellNoFit(demand, await findNear(demand, { ...whatever, unbonded }))
}

const noProgram = { operators: 0, execSpec: '', outputs: [] } as const

/** Everything that is written with a job, in one commit: its first event, its escrow, its order, the blobs it keeps. */
const openJob = async (
  actor: JobActor,
  { tenant, spec: { name } }: SubmitJobInput,
  spec: CommittedSpec,
  order: SignedOrder,
  program: ProgramManifest | undefined,
  { world, names }: SubmitJobModules,
): Promise<void> => {
  const job = actor.id
  const text = await names.seal({ id: job, tenant: tenant.id }, name)
  const inputs = spec.tasks.flatMap((task) => task.inputs.map(({ cid }) => cid))
  const programBlobs = spec.program === null || program === undefined ? [] : [spec.program, program.model]
  const kept = new Set([...inputs, ...programBlobs])
  const { operators, execSpec, outputs: declaredOutputs } = program ?? noProgram
  await actor.step((draft) => {
    const at = draft.now
    const claims = { operators, execSpec, declaredOutputs }
    draft.emit({ type: 'submitted', at, job, tenant: tenant.id, spec, order, ...claims })
    draft.orders.push({ digest: digestOf(order.record), tenant: tenant.id, job, expiresAt: order.record.expiresAt })
    for (const cid of kept) draft.blobRefs.push({ cid, job })
    draft.texts.push(text)
    if (spec.ceiling === 0n) return
    const [from, to] = [tenantAccount(tenant.id), escrowAccount(job)]
    draft.entries.push(transfer({ id: newId(world, 'entry'), kind: 'escrow', from, to, amount: spec.ceiling, at }))
  })
}

/** A call that is repeated without a salt of its own commits to the name as it did the first time. */
const saltOf = async (
  { tenant, spec, order, idempotencyKey }: SubmitJobInput,
  { names, world }: SubmitJobModules,
): Promise<Hex> => {
  if (spec.nameSalt !== undefined) return spec.nameSalt
  if (order !== undefined) {
    throw new MusterError({
      code: 'spec_invalid',
      message:
        'An order that its tenant signs commits to the name of the job: send the salt of the commitment as spec.nameSalt.',
      facts: { issues: [{ path: 'spec.nameSalt', expected: '0x and 32 bytes in hexadecimal', found: 'nothing' }] },
    })
  }
  return idempotencyKey === undefined ? toHex(world.random(32)) : names.saltFor(tenant.id, idempotencyKey)
}

const isTaken = (error: unknown): boolean =>
  error instanceof MusterError &&
  (error.code === 'order_replayed' || error.code === 'stale_writer' || error.code === 'transition_refused')

/**
 * Takes a job: checks everything, then writes its first event, its escrow and its order in one commit.
 * Rejects before anything is charged: `spec_invalid`, `program_refused`, `blob_missing`, `nothing_fits`, `signature_invalid`,
 * `record_expired`, `clock_skewed`, `rate_limited`, `order_replayed`, `conflict`, `insufficient_funds`, `forbidden`, `unavailable`.
 */
export const submitJob = async (input: SubmitJobInput, modules: SubmitJobModules): Promise<JobId> => {
  const { store, admitProgram, blobs, openActor } = modules
  const { tenant, idempotencyKey } = input
  const spec = commitSpec(input.spec, await saltOf(input, modules))
  const call = { ...input, spec }
  if (input.order !== undefined) requireOrder(input.order, tenant, spec, modules)
  const known = await findRepeated(call, modules)
  if (known !== undefined) return known
  modules.requireWelcome(tenant.id, spec.program)
  const order = input.order ?? keptOrder(tenant, spec, idempotencyKey, modules)
  const inputs = new Set(spec.tasks.flatMap((task) => task.inputs.map(({ cid }) => cid)))
  await requireBlobs(store, [...inputs, ...(spec.program === null ? [] : [spec.program])])
  const program = spec.program === null ? undefined : await admitProgram(spec.program, tenant.id)
  if (program !== undefined) await requireBlobs(store, [program.model])
  await checkSpec(spec, program, blobs)
  const defaultTermMs = leaseTermMs({ order, spec }, modules.leaseTermMs)
  const demand = { ...order.record, execSpec: program?.execSpec ?? '', defaultTermMs }
  await requireSupply(order.record.auction === undefined ? demand : openDemand(demand), modules)

  const actor = openActor(jobOfOrder(order.record.id))
  try {
    await openJob(actor, input, spec, order, program, modules)
  } catch (error) {
    // The same call may have come twice at once: then the other one made the job.
    const other = isTaken(error) ? await findRepeated(call, modules) : undefined
    if (other === undefined) throw error
    return other
  }
  return actor.id
}
