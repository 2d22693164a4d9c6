import { fromProblem, MusterError, type Address, type TenantId, type World } from '@muster/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { Jobs } from '../job/jobs.ts'
import type { SubmitJobModules } from '../job/submit-job.ts'
import type { LeaseKeeper } from '../lease/lease-keeper.ts'
import type { Denial } from '../store/admin-store.ts'
import type { Supply } from '../supply/supply.ts'
import type { AllowedOffers } from './allowed-offers.ts'
import { applyDenial, type DenialEffect } from './apply-denial.ts'
import { denialError, type Denials } from './denials.ts'
import type { Drain } from './drain.ts'

export interface AdminDeskModules {
  readonly world: World
  readonly jobs: Jobs
  readonly local: Pick<Supply, 'peer'>
  readonly denials: Denials
  readonly drain: Drain
  readonly allowedOffers: AllowedOffers
  readonly keeper: () => Pick<LeaseKeeper, 'jobsOf'>
  readonly cluster: Cluster | undefined
}

/** Whom this market turns away, and what becomes of theirs. */
export interface AdminDesk {
  /** What denies a provider, itself or by the region of what it offers. */
  denialOf(provider: Address): Denial | undefined
  /** Ends what a denial ends of what this node has under way. */
  applyHere(denial: Denial): Promise<DenialEffect>
  /** The same for one that another node made, which this one may not have read yet. */
  hear(denial: Denial): Promise<DenialEffect>
  /** Ends what a denial ends of what is under way, on every node that is in reach. */
  apply(denial: Denial): Promise<DenialEffect>
  /** Throws where no new job is taken: `forbidden` with the reason, `unavailable` while the market drains or has lost its database. */
  readonly requireWelcome: SubmitJobModules['requireWelcome']
  /** Throws `forbidden` for a tenant that is denied. */
  requireTenant(tenant: TenantId): void
  /** Throws `forbidden` for a provider that is denied and holds no lease to finish. */
  requireProvider(provider: Address): void
}

export const createAdminDesk = (modules: AdminDeskModules): AdminDesk => {
  const { world, jobs, local, denials, drain, allowedOffers, keeper, cluster } = modules

  const regionsOf = (provider: Address): ReadonlySet<string> =>
    local.peer(provider) === undefined && cluster !== undefined
      ? cluster.offers.regionsOf(provider)
      : allowedOffers.regionsOf(provider)

  /** Of an agent linked elsewhere all regions are known that it was ever seen in: where it is now, only its own node can say. */
  const applyHere = (denial: Denial): Promise<DenialEffect> =>
    applyDenial(denial, { world, jobs, regionsOf: allowedOffers.regionsOf })

  return {
    denialOf: (provider) => denials.ofProvider(provider, regionsOf(provider)),
    applyHere,
    hear: async (denial) => {
      await denials.load()
      return applyHere(denial)
    },
    apply: async (denial) => {
      const here = await applyHere(denial)
      const there = await cluster?.denyElsewhere(denial)
      return { jobs: here.jobs + (there?.jobs ?? 0), leases: here.leases + (there?.leases ?? 0) }
    },
    requireWelcome: (tenant, program) => {
      const denial = denials.ofJob(tenant, program)
      if (denial !== undefined) throw fromProblem(denial)
      drain.requireOpen()
      if (cluster?.isSure() === false)
        throw new MusterError({
          code: 'unavailable',
          message: 'This node of the market cannot reach its database; try another node, or again in a moment.',
          retryAfterMs: 1_000,
        })
    },
    requireTenant: (tenant) => {
      const denial = denials.find('tenant', tenant)
      if (denial !== undefined) throw denialError(denial)
    },
    requireProvider: (provider) => {
      const denial = denials.find('provider', provider)
      if (denial !== undefined && [...keeper().jobsOf(provider)].length === 0) throw denialError(denial)
    },
  }
}
