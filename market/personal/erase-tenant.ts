import { MusterError, tenantAccount, type JobId, type NanoUsd, type TenantId, type World } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import type { StandingOrderDesk } from '../standing-order/standing-orders.ts'
import type { Names } from './names.ts'

export interface EraseTenantModules {
  readonly world: World
  readonly store: Store
  readonly names: Pick<Names, 'erase'>
  readonly standingOrders: Pick<StandingOrderDesk, 'cancelAll'>
}

export interface Erased {
  /** API keys that were ended. */
  readonly keys: number
  /** Jobs whose names are gone. */
  readonly jobs: number
  /** References of those jobs to blobs; what nothing else refers to is collected as it ages. */
  readonly blobRefs: number
  /** What is left on the account. */
  readonly balance: NanoUsd
}

const pageJobs = 500

async function* closedJobs(tenant: TenantId, store: Store): AsyncGenerator<readonly JobId[]> {
  for (let before: JobId | undefined; ;) {
    const page = await store.jobs.list({ tenant, limit: pageJobs, ...(before === undefined ? {} : { before }) })
    yield page.filter(({ phase }) => phase !== 'active').map(({ id }) => id)
    before = page.at(-1)?.id
    if (page.length < pageJobs) return
  }
}

const requireIdle = async (tenant: TenantId, store: Store, done: string): Promise<void> => {
  const active = await store.jobs.list({ tenant, phase: 'active', limit: 20 })
  if (active.length === 0) return
  throw new MusterError({
    code: 'conflict',
    message: `This tenant has jobs that are not closed. Cancel them, or deny the tenant and wait; ${done}.`,
    facts: { jobs: active.map(({ id }) => id) },
  })
}

/**
 * Makes what is known of the person behind a tenant unreadable: its keys and its standing orders are ended, the key that its names are
 * sealed under is destroyed, and the blobs of its jobs are let go of. Journal, receipts and ledger stay as they were signed, under the
 * tenant's number. Each step may be done again: one that a crash cut short is finished by another call. Rejects `not_found`, and
 * `conflict` while a job is not closed.
 */
export const eraseTenant = async (tenant: TenantId, modules: EraseTenantModules): Promise<Erased> => {
  const { world, store, names, standingOrders } = modules
  if ((await store.accounts.get(tenant)) === undefined)
    throw new MusterError({ code: 'not_found', message: 'There is no such tenant.', facts: { tenant } })
  await requireIdle(tenant, store, 'nothing was erased')
  let keys = 0
  for (const { id, revokedAt } of await store.accounts.keys(tenant))
    if (revokedAt === null && (await store.accounts.revokeKey({ tenant, id, at: world.now() }))) keys++
  await standingOrders.cancelAll(tenant)
  // One of them may have become a job a moment before.
  await requireIdle(tenant, store, 'its keys and standing orders are ended, and nothing was erased yet')
  // From here on nothing new is taken of it: a submission that is under way has no key to seal its name with.
  await names.erase(tenant)
  let jobs = 0
  let blobRefs = 0
  for await (const page of closedJobs(tenant, store)) {
    jobs += page.length
    for (const job of page) blobRefs += await store.blobs.dropRefs(job)
  }
  return { keys, jobs, blobRefs, balance: await store.ledger.balance(tenantAccount(tenant)) }
}
