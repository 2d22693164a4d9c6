import {
  MusterError,
  commitSpec,
  digestOf,
  formatUsd,
  maxStandingMs,
  newId,
  stepStandingOrder,
  toHex,
  type Hex,
  type JobSpec,
  type SignedOrder,
  type StandingEvent,
  type StandingOrder,
  type StandingOrderId,
  type StandingTerms,
} from '@muster/protocol'
import { checkSpec } from '../job/check-spec.ts'
import { jobOfOrder } from '../job/find-repeated.ts'
import { requireOrder } from '../job/make-order.ts'
import { requireBlobs, type SubmitJobModules } from '../job/submit-job.ts'
import type { StoredStandingOrder } from '../store/standing-order-store.ts'
import type { Tenant } from '../store/store.ts'
import type { Names } from '../personal/names.ts'
import { hideName, restoreSpec } from './hidden-name.ts'

export interface PlaceInput {
  readonly tenant: Tenant
  readonly spec: JobSpec
  readonly terms: StandingTerms
  /** Signed by the tenant, one for each job; none where the market signs for it. */
  readonly orders: readonly SignedOrder[]
  /** The standing order's id, sent again with a call that is repeated. */
  readonly idempotencyKey: StandingOrderId | undefined
}

type SaltedSpec = JobSpec & { readonly nameSalt: Hex }

export interface PlaceModules extends SubmitJobModules {
  readonly names: Names
}

/** Open standing orders of one tenant: each is looked at whenever slots come free. */
const mostOpen = 100

const termsInvalid = (path: string, expected: string, found: string): MusterError =>
  new MusterError({
    code: 'spec_invalid',
    message: `The standing order is wrong at ${path}: expected ${expected}, found ${found}. Nothing was charged.`,
    facts: { issues: [{ path, expected, found }] },
  })

const checkTerms = ({ terms, spec }: PlaceInput, now: number): void => {
  const { until, atMost } = terms
  if (until <= now || until > now + maxStandingMs) {
    const expected = `a time within the next ${maxStandingMs / 86_400_000} days`
    throw termsInvalid('terms.until', expected, new Date(until).toISOString())
  }
  if (atMost !== null && atMost < spec.ceiling)
    throw termsInvalid('terms.atMost', `at least the ceiling of one job, ${formatUsd(spec.ceiling)}`, formatUsd(atMost))
}

/** The market never signs for a tenant that has a key: it needs one order for each job, signed beforehand. */
const checkOrders = async (input: PlaceInput, modules: SubmitJobModules): Promise<void> => {
  const { tenant, spec, terms, orders } = input
  if (tenant.address === null) {
    if (orders.length > 0) throw termsInvalid('orders', 'none: the market keeps this tenant’s key', `${orders.length}`)
    return
  }
  if (terms.times !== orders.length)
    throw termsInvalid('orders', `as many as terms.times, one signed for each job`, `${orders.length}`)
  if (spec.nameSalt === undefined) throw termsInvalid('spec.nameSalt', '32 bytes in hexadecimal', 'nothing')
  const committed = commitSpec(spec, spec.nameSalt)
  for (const [index, order] of orders.entries()) {
    requireOrder(order, tenant, committed, modules)
    const { id, expiresAt } = order.record
    if (expiresAt < terms.until)
      throw termsInvalid(
        `orders[${index}]`,
        'an order that is valid until the standing order expires',
        String(expiresAt),
      )
    const isRepeated = orders.findIndex(({ record }) => record.id === id) !== index
    if (!isRepeated && (await modules.store.jobs.get(jobOfOrder(id))) === undefined) continue
    throw new MusterError({
      code: 'order_replayed',
      message: 'Each job of a standing order needs an order of its own that was not used before.',
      facts: { order: id },
    })
  }
}

/** As for a job: a call that is repeated without a salt of its own commits to the name as it did the first time. */
const saltOf = ({ tenant, spec, idempotencyKey: id }: PlaceInput, { names, world }: PlaceModules): Hex | Promise<Hex> =>
  spec.nameSalt ?? (id === undefined ? toHex(world.random(32)) : names.saltFor(tenant.id, id))

const isSameSpec = async ({ order }: StoredStandingOrder, spec: SaltedSpec, names: Names): Promise<boolean> => {
  // Where the name is gone, the rest tells.
  const { nameSalt = spec.nameSalt, ...before } = (await restoreSpec(order, names)) ?? {
    ...order.spec,
    name: spec.name,
  }
  return digestOf(commitSpec(before, nameSalt)) === digestOf(commitSpec(spec, spec.nameSalt))
}

const findRepeated = async (
  { tenant, spec, terms, orders, idempotencyKey: id }: PlaceInput & { readonly spec: SaltedSpec },
  { store, names }: PlaceModules,
): Promise<StoredStandingOrder | undefined> => {
  const known = id === undefined ? undefined : await store.standingOrders.get(id)
  if (known === undefined) return undefined
  const { order } = known
  const isSame =
    order.tenant === tenant.id &&
    digestOf({ terms, orders }) === digestOf({ terms: order.terms, orders: order.orders }) &&
    (await isSameSpec(known, spec, names))
  if (isSame) return known
  throw new MusterError({
    code: 'conflict',
    message: 'This idempotency key was used with another standing order; take a new one. Nothing was charged.',
    facts: { key: id },
    retry: 'never',
  })
}

/**
 * Takes a standing order: checks of it what is checked of a job, but neither supply nor money, which are wanted when it becomes one.
 * Rejects `spec_invalid`, `program_refused`, `blob_missing`, `record_invalid`, `record_expired`, `clock_skewed`, `signature_invalid`, `order_replayed`,
 * `conflict`, `forbidden`, `unavailable`.
 */
export const placeStandingOrder = async (input: PlaceInput, modules: PlaceModules): Promise<StoredStandingOrder> => {
  const { store, world, blobs, names, admitProgram } = modules
  const { tenant, terms, orders } = input
  const spec = { ...input.spec, nameSalt: await saltOf(input, modules) }
  const call = { ...input, spec }
  const known = await findRepeated(call, modules)
  if (known !== undefined) return known
  const at = world.now()
  checkTerms(input, at)
  modules.requireWelcome(tenant.id, spec.program)
  await checkOrders(input, modules)
  const open = await store.standingOrders.countOpen(tenant.id)
  if (open >= mostOpen) {
    throw new MusterError({
      code: 'conflict',
      message: `You have ${open} standing orders, the most there may be; cancel one first.`,
      facts: { open, most: mostOpen },
      retry: 'never',
    })
  }
  const inputs = new Set(spec.tasks.flatMap((task) => task.inputs.map(({ cid }) => cid)))
  await requireBlobs(store, [...inputs, ...(spec.program === null ? [] : [spec.program])])
  const program = spec.program === null ? undefined : await admitProgram(spec.program, tenant.id)

  const id = input.idempotencyKey ?? newId(world, 'standing-order')
  const owner = { id, tenant: tenant.id }
  await checkSpec(commitSpec(spec, spec.nameSalt), program, blobs)
  const hidden = await hideName(owner, spec, names)
  const order: StandingOrder = {
    ...owner,
    spec: hidden.spec,
    execSpec: program?.execSpec ?? '',
    terms,
    orders: [...orders],
    placedAt: at,
  }
  const events: StandingEvent[] = [{ type: 'placed', at }]
  const placed = {
    order,
    events,
    state: stepStandingOrder(terms, undefined, { type: 'placed', at }),
    text: hidden.text,
  }
  const kept = [...inputs, ...(spec.program === null || program === undefined ? [] : [spec.program, program.model])]
  if (await store.standingOrders.place(placed, [...new Set(kept)])) return placed
  // The same call came twice at once, and the other was first.
  const other = await findRepeated(call, modules)
  if (other === undefined) throw new Error(`standing order ${id} is there and is not`)
  return other
}
