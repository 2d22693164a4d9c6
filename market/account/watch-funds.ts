import {
  isNews,
  judgeStanding,
  runwayMs,
  tenantAccount,
  type AccountNotice,
  type Judgement,
  type Log,
  type StandingRules,
  type TenantId,
} from '@muster/protocol'
import { createReadFunds, type ReadFundsModules, type TenantFunds } from './read-funds.ts'

export interface WatchFundsModules extends ReadFundsModules {
  readonly log: Log
}

export interface FundsReport extends Judgement {
  readonly funds: TenantFunds
  readonly runwayMs: number | null
  /** When the grace period ends; null where the funds are not used up. */
  readonly graceUntil: number | null
}

export interface FundsWatch {
  readonly rules: StandingRules
  /** How a tenant stands now. What is new is written to its account's stream first. */
  look(tenant: TenantId): Promise<FundsReport>
  /** Looks at every tenant that has a job open, or that is not `fine`. */
  lookAtAll(): Promise<void>
}

/** Tells tenants, by their account's stream, when their money runs low, runs out, and when the grace period after that is over. */
export const createWatchFunds = (rules: StandingRules, modules: WatchFundsModules): FundsWatch => {
  const { world, store, jobs, log } = modules
  const readFunds = createReadFunds(modules)
  /** Tenants with a job open at the last look: looked at once more after its end. */
  const watched = new Set<TenantId>()

  const hadMoney = async (tenant: TenantId): Promise<boolean> =>
    (await store.ledger.entries({ account: tenantAccount(tenant), limit: 1 })).length > 0

  const look = async (tenant: TenantId): Promise<FundsReport> => {
    const funds = await readFunds(tenant)
    const before = (await store.accounts.lastNotices([tenant])).get(tenant)
    const now = world.now()
    const isUnused = before === undefined && funds.balance + funds.escrow === 0n && !(await hadMoney(tenant))
    const found: Judgement = isUnused
      ? { standing: 'fine', since: now, belowMs: null }
      : judgeStanding(funds, before, now, rules)
    if (isNews(found, before)) {
      const { balance, escrow, burn } = funds
      const notice: AccountNotice = { ...found, number: (before?.number ?? 0) + 1, at: now, balance, escrow, burn }
      // Where another node was first it said the same.
      if (await store.accounts.addNotice(tenant, notice)) {
        log.info('an account stands otherwise', { tenant, standing: found.standing })
      }
    }
    const isDry = found.standing === 'grace' || found.standing === 'stopped'
    return {
      ...found,
      funds,
      runwayMs: runwayMs(funds),
      graceUntil: isDry ? found.since + rules.graceMs : null,
    }
  }

  const lookAtAll = async (): Promise<void> => {
    const tenants = new Set<TenantId>([...watched, ...(await store.accounts.notStanding('fine'))])
    watched.clear()
    for (const actor of jobs.all()) {
      const tenant = actor.peek()?.tenant
      if (tenant === undefined) continue
      tenants.add(tenant)
      watched.add(tenant)
    }
    for (const tenant of tenants) {
      try {
        await look(tenant)
      } catch (error) {
        log.info('could not look at the money of an account', { tenant, error })
      }
    }
  }

  return { rules, look, lookAtAll }
}
