import {
  burnOf,
  escrowAccount,
  tenantAccount,
  type Funds,
  type Job,
  type JobBurn,
  type JobId,
  type NanoUsd,
  type TenantId,
  type World,
} from '@muster/protocol'
import { createFollowJob } from '../job/follow-job.ts'
import type { Jobs } from '../job/jobs.ts'
import type { Names } from '../personal/names.ts'
import type { JobRow, Store } from '../store/store.ts'

export interface ReadFundsModules {
  readonly world: World
  readonly store: Store
  readonly jobs: Jobs
  readonly names: Pick<Names, 'read'>
}

/** What a job that is not closed holds and spends. */
export interface JobFunds {
  readonly job: JobId
  /** `null` where it was erased. */
  readonly name: string | null
  readonly escrow: NanoUsd
  readonly burn: JobBurn
}

export interface TenantFunds extends Funds {
  /** The one that spends most first. */
  readonly jobs: readonly JobFunds[]
}

const pageJobs = 500

/** The money of a tenant: its balance, what its jobs hold, and what they spend now. */
export type ReadFunds = (tenant: TenantId) => Promise<TenantFunds>

export const createReadFunds = ({ world, store, jobs, names }: ReadFundsModules): ReadFunds => {
  const activeOf = async (tenant: TenantId): Promise<JobRow[]> => {
    const rows: JobRow[] = []
    for (;;) {
      const before = rows.at(-1)?.id
      const page = await store.jobs.list({
        tenant,
        phase: 'active',
        limit: pageJobs,
        ...(before === undefined ? {} : { before }),
      })
      rows.push(...page)
      if (page.length < pageJobs) return rows
    }
  }
  const follow = createFollowJob(store)
  const foldOf = async (id: JobId): Promise<Job | undefined> => jobs.get(id)?.peek() ?? (await follow(id))

  return async (tenant) => {
    const rows = await activeOf(tenant)
    const account = tenantAccount(tenant)
    const balances = await store.ledger.balances([account, ...rows.map(({ id }) => escrowAccount(id))])
    const now = world.now()
    const nameOf = await names.read(rows)
    const found: JobFunds[] = []
    for (const { id } of rows) {
      const job = await foldOf(id)
      const burn = job === undefined ? { perHour: 0n, expected: 0n } : burnOf(job, now)
      found.push({ job: id, name: nameOf.get(id) ?? null, escrow: balances.get(escrowAccount(id)) ?? 0n, burn })
    }
    return {
      balance: balances.get(account) ?? 0n,
      escrow: found.reduce((sum, { escrow }) => sum + escrow, 0n),
      burn: found.reduce((sum, { burn }) => sum + burn.perHour, 0n),
      jobs: found.toSorted((a, b) => (a.burn.perHour < b.burn.perHour ? 1 : a.burn.perHour > b.burn.perHour ? -1 : 0)),
    }
  }
}
