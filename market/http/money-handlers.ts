import {
  feesAccount,
  MusterError,
  parseId,
  stakeAccount,
  tenantAccount,
  type EntryId,
  type RouteName,
  type routes,
} from '@muster/protocol'
import { denialNotice } from '../admin/denials.ts'
import { auditLedger } from '../ledger/audit/audit-ledger.ts'
import { createBookDeposit } from '../ledger/book-deposit.ts'
import { createRefund } from '../ledger/refund.ts'
import { createStatementDesk } from '../ledger/statement-desk.ts'
import type { Market } from '../market.ts'
import type { Handler } from './handler.ts'

type Names =
  | 'account'
  | 'runway'
  | 'accountEvents'
  | 'deposit'
  | 'refund'
  | 'auditLedger'
  | 'statementChallenge'
  | 'statement'
type Handlers = { readonly [Name in Names & RouteName]: Handler<(typeof routes)[Name]> }

const entryKey = (header: string | undefined): EntryId | undefined =>
  header === undefined ? undefined : parseId('entry', header)

/** Handlers of what tenants, providers and the operator see and do of money. */
export const moneyHandlers = (market: Market): Handlers => {
  const { store, world, funds, log } = market.modules
  const { signer, verifier } = market.submitModules
  const { domain } = market
  const bookDeposit = createBookDeposit({ world, store })
  const refund = createRefund({ world, store, signer, domain })
  const desk = createStatementDesk({ world, store, domain, verifier })
  /** One at a time: it reads all there is. */
  let auditing: ReturnType<typeof auditLedger> | undefined

  return {
    account: async ({ tenant }) => {
      const { funds: found, runwayMs, standing, belowMs, graceUntil } = await funds.look(tenant.id)
      const { balance, escrow, burn } = found
      return {
        tenant: tenant.id,
        address: tenant.address,
        custody: tenant.address === null ? 'market' : 'tenant',
        balance,
        escrow,
        burn,
        runwayMs,
        standing,
        belowMs,
        graceUntil,
        denied: denialNotice(market.admin.denials.find('tenant', tenant.id)),
      }
    },
    runway: async ({ tenant }) => {
      const { funds: found, runwayMs } = await funds.look(tenant.id)
      const { balance, escrow, burn, jobs } = found
      return {
        balance,
        escrow,
        burn,
        runwayMs,
        warnBelowMs: [...funds.rules.warnBelowMs],
        graceMs: funds.rules.graceMs,
        jobs: jobs.map(({ job, name, escrow: held, burn: { perHour, expected } }) => ({
          job,
          name,
          burn: perHour,
          escrow: held,
          expected,
        })),
      }
    },
    accountEvents: async ({ tenant, query: { after, limit } }) => ({
      events: [...(await store.accounts.notices(tenant.id, { after, limit }))],
    }),
    deposit: async ({ body: { to, amount }, header }) => {
      const idempotencyKey = entryKey(header('idempotency-key'))
      if (to.account === 'tenant' && (await store.accounts.get(to.tenant)) === undefined) {
        throw new MusterError({ code: 'not_found', message: 'There is no such tenant.', facts: { tenant: to.tenant } })
      }
      if (to.account === 'stake') {
        const stake = { kind: 'stake', to: stakeAccount(to.provider), amount, idempotencyKey } as const
        return { balance: await bookDeposit(stake) }
      }
      const account = to.account === 'fees' ? feesAccount : tenantAccount(to.tenant)
      const balance = await bookDeposit({ kind: 'deposit', to: account, amount, idempotencyKey })
      if (to.account === 'tenant') {
        // The money is booked whether or not its account can be looked at now.
        await funds.look(to.tenant).catch((error: unknown) => log.info('could not look at an account', { error }))
      }
      return { balance }
    },
    refund: ({ body: { of, reason }, header }) =>
      refund({ of, reason, idempotencyKey: entryKey(header('idempotency-key')) }),
    auditLedger: async () => {
      auditing ??= auditLedger({ world, store })
        .then(market.admin.audits.note)
        .finally(() => {
          auditing = undefined
        })
      return auditing
    },
    statementChallenge: ({ body: { provider } }) => desk.issue(provider),
    statement: ({ body: { request } }) => desk.show(request),
  }
}
