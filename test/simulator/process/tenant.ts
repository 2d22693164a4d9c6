import {
  commitSpec,
  digestOf,
  MusterError,
  newId,
  signRecord,
  toHex,
  type ErrorCode,
  type JobId,
  type CommittedSpec,
  type JobSpec,
  type Order,
  type OrderId,
  type SignedOrder,
  type World,
} from '@muster/protocol'
import { submitJob, type Market } from '@muster/market'
import { cancelJob } from '../../../market/job/cancel-job.ts'
import type { SimulatedTenant } from './deposit-all.ts'
import type { JobPlan } from '../scenario/scenario.ts'
import { chainId } from './keys.ts'
import type { Keys } from './keys.ts'
import type { MarketNode } from './market-node.ts'
import type { Run } from './run.ts'
import { blobsFor, inputOf, programFor } from './simulated-program.ts'

/** A job as its tenant follows it. */
export interface TenantJob {
  readonly plan: JobPlan
  readonly id: JobId
  readonly spec: CommittedSpec
  /** The market said that it has the job. */
  isAcknowledged(): boolean
  isCancelled(): boolean
  begin(): void
}

/** No secret in a simulation. */
const nameSalt = `0x${'5a'.repeat(32)}` as const

const specOf = (plan: JobPlan): JobSpec => ({
  apiVersion: 'muster/v1',
  kind: 'batch',
  name: plan.name,
  runtime: plan.program.outputBytes === 0 ? 'noop' : 'graph',
  program: programFor(plan)?.id ?? null,
  tasks: Array.from({ length: plan.tasks }, () => ({
    inputs: plan.inputBytes === 0 ? [] : [{ name: 'x', cid: inputOf(plan.inputBytes).cid }],
  })),
  slots: plan.slots,
  resources: { cpuMilli: 1000, memoryBytes: 2 ** 29, diskBytes: 0, gpuCount: 0 },
  placement: { regions: [...plan.regions], countries: [], providers: [], excludeProviders: [], attributes: {} },
  award: plan.award ?? 'lowest',
  ...(plan.auction === null ? {} : { auction: plan.auction }),
  maxPrice: { nanoUsd: BigInt(plan.maxPriceNanoUsd), per: plan.pricePer ?? 'task' },
  ceiling:
    BigInt(plan.maxPriceNanoUsd) * BigInt(plan.tasks * (plan.pricePer === 'operator' ? (plan.operators ?? 1) : 1)),
  limits: { taskTimeoutMs: plan.taskTimeoutMs, maxFailures: plan.maxFailures },
  verify: 'none',
})

const signOrder = (
  id: OrderId,
  tenant: SimulatedTenant,
  spec: CommittedSpec,
  node: MarketNode,
  world: World,
  keys: Keys,
): SignedOrder => {
  const order: Order = {
    kind: 'order',
    id,
    market: node.address,
    tenant: tenant.id,
    custody: 'tenant',
    job: digestOf(spec),
    slots: spec.slots,
    resources: spec.resources,
    runtime: spec.runtime,
    placement: spec.placement,
    award: spec.award,
    ...(spec.auction === undefined ? {} : { auction: spec.auction }),
    maxPrice: spec.maxPrice,
    ceiling: spec.ceiling,
    nonce: toHex(world.random(16)),
    issuedAt: world.now(),
    expiresAt: world.now() + 86_400_000,
  }
  return signRecord(keys.signerOf(tenant.name), { chainId, market: node.address }, order)
}

/** What a tenant hears of bad moments, and answers by asking again. */
const passing: readonly ErrorCode[] = ['nothing_fits', 'unavailable', 'stale_writer', 'timeout']

/** Submits a job until it is acknowledged, and cancels it where that is planned, over every crash of the market. */
export const createTenantJob = (
  plan: JobPlan,
  tenant: SimulatedTenant,
  node: MarketNode,
  run: Run,
  world: World,
): TenantJob => {
  const { timeline, story, violations } = run
  const orderId = newId(world, 'order')
  const id = `job_${orderId.slice(4)}` as JobId
  const written = specOf(plan)
  const spec = commitSpec(written, nameSalt)
  const who = tenant.name
  let order: SignedOrder | undefined
  let isAcknowledged = false
  let isCancelled = false

  const onAnswer = (job: JobId): void => {
    if (job !== id) violations.report('submitted-once', `${plan.name} became ${job}, not ${id}`)
    if (!isAcknowledged) story.tell(who, `hears that ${plan.name} is taken`)
    isAcknowledged = true
  }

  const onRefusal = (error: unknown): void => {
    story.tell(who, `hears ${error instanceof MusterError ? error.code : String(error)} for ${plan.name}`)
    if (error instanceof MusterError && passing.includes(error.code)) return
    violations.report('submitted-once', `${plan.name} was refused: ${String(error)}`)
  }

  const submit = (): void => {
    if (isAcknowledged) return
    timeline.after(plan.patienceMs, submit)
    const market = node.market()
    if (market === undefined) return
    order ??= tenant.address === null ? undefined : signOrder(orderId, tenant, spec, node, world, run.keys)
    story.tell(who, `submits ${plan.name} ${id.slice(-5)} with ${plan.tasks} tasks for ${plan.slots} slots`)
    upload(market)
      .then(() =>
        submitJob({ tenant, spec: { ...written, nameSalt }, order, idempotencyKey: orderId }, market.submitModules),
      )
      .then(onAnswer, onRefusal)
  }

  /** Anew before each try, as the SDK does: what no job refers to may have been collected. */
  const upload = async ({ modules: { store, blobs, world: clock } }: Market): Promise<void> => {
    for (const { bytes } of blobsFor(plan)) {
      const blob = await blobs.putBytes(bytes)
      await store.blobs.put({ cid: blob.cid, bytes: blob.bytes, createdAt: clock.now() })
    }
  }

  const cancel = (): void => {
    if (isCancelled) return
    timeline.after(plan.patienceMs, cancel)
    const market = node.market()
    if (market === undefined || !isAcknowledged) return
    const actor = node
      .markets()
      .map(({ modules }) => modules.jobs.get(id))
      .find((each) => each !== undefined)
    // On its way from one node to another.
    if (actor === undefined && run.jobs.jobs.get(id)?.closed === null && node.markets().length !== 1) return
    story.tell(who, `cancels ${plan.name}`)
    const onCancelled = () => {
      isCancelled = true
    }
    if (actor === undefined) onCancelled()
    else cancelJob(actor).then(onCancelled, (error: unknown) => story.tell(who, `could not cancel: ${String(error)}`))
  }

  return {
    plan,
    id,
    spec,
    isAcknowledged: () => isAcknowledged,
    isCancelled: () => isCancelled,
    begin: () => {
      timeline.after(plan.submitAtMs, submit)
      if (plan.cancelAtMs !== null) timeline.after(plan.cancelAtMs, cancel)
    },
  }
}
