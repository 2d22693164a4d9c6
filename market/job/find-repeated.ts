import {
  MusterError,
  digestOf,
  idPrefixes,
  parseId,
  type JobId,
  type CommittedSpec,
  type OrderId,
  type SignedOrder,
} from '@muster/protocol'
import type { Store, Tenant } from '../store/store.ts'
import type { Jobs } from './jobs.ts'
import { loadJob } from './load-job.ts'

/** An order makes one job, which carries its number. */
export const jobOfOrder = (order: OrderId): JobId =>
  parseId('job', `${idPrefixes.job}_${order.slice(idPrefixes.order.length + 1)}`)

export interface RepeatedCall {
  readonly tenant: Tenant
  readonly spec: CommittedSpec
  readonly order: SignedOrder | undefined
  readonly idempotencyKey: OrderId | undefined
}

/**
 * The job of a call that is repeated with its idempotency key, or `undefined` for one that is new.
 * Rejects `order_replayed` for an order that is used again without the key, `conflict` for the key with another spec.
 */
export const findRepeated = async (
  { tenant, spec, order, idempotencyKey }: RepeatedCall,
  { store, jobs }: { readonly store: Store; readonly jobs: Jobs },
): Promise<JobId | undefined> => {
  const orderId = order?.record.id ?? idempotencyKey
  if (orderId === undefined) return undefined
  const known = await store.jobs.get(jobOfOrder(orderId))
  if (known === undefined) return undefined
  if (known.tenant !== tenant.id || idempotencyKey !== orderId) {
    throw new MusterError({
      code: 'order_replayed',
      message: 'This order was used before; sign a new one for another job. Nothing was charged.',
      facts: { order: orderId },
    })
  }
  const job = jobs.get(known.id)?.peek() ?? (await loadJob(store, known.id))?.job
  if (job !== undefined && job.order.record.job !== digestOf(spec)) {
    throw new MusterError({
      code: 'conflict',
      message: 'This idempotency key was used with another spec; take a new one. Nothing was charged.',
      facts: { key: orderId, expected: job.order.record.job, found: digestOf(spec) },
      retry: 'never',
    })
  }
  return known.id
}
