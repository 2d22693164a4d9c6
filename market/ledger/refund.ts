import {
  earningsAccount,
  escrowAccount,
  feesAccount,
  formatUsd,
  MusterError,
  newId,
  parseAttemptId,
  signGroup,
  tenantAccount,
  type EntryId,
  type EntryNote,
  type JobId,
  type LedgerEntry,
  type NanoUsd,
  type Receipt,
  type ReceiptId,
  type SignatureDomain,
  type Signer,
  type TenantId,
  type World,
} from '@muster/protocol'
import { noBugs, type PlantedBug } from '../planted-bug.ts'
import type { Commit, Store, StoredReceipt } from '../store/store.ts'
import { refundId } from './refund-id.ts'

/** A whole receipt, or an amount for a job. */
export type RefundTarget =
  | { readonly type: 'receipt'; readonly receipt: ReceiptId }
  | { readonly type: 'amount'; readonly job: JobId; readonly amount: NanoUsd }

export interface RefundInput {
  readonly of: RefundTarget
  readonly reason: string
  /** Sent again with a call that is repeated: it is refunded once. */
  readonly idempotencyKey: EntryId | undefined
}

export interface Refunded {
  readonly entry: EntryId
  readonly job: JobId
  readonly tenant: TenantId
  readonly amount: NanoUsd
  /** The receipt that reverses, where one was refunded. */
  readonly reversal: ReceiptId | null
}

export interface RefundModules {
  readonly world: World
  readonly store: Store
  readonly signer: Signer
  readonly domain: SignatureDomain
  readonly bugs?: ReadonlySet<PlantedBug>
}

/**
 * Gives money back, to the tenant's balance: a receipt by one that reverses it, out of the provider's earnings and the market's
 * fee; an amount out of the market's fees. Rejects `not_found`; `conflict` for a receipt that was refunded, more than was paid,
 * or a key used with another refund; `insufficient_funds` where the account it comes from does not hold it.
 */
export type Refund = (input: RefundInput) => Promise<Refunded>

interface Booked extends Refunded {
  readonly note: EntryNote
}

const pageEntries = 500
/** Refunds of one job that are decided at once, on other nodes. */
const maxTries = 5

const conflict = (message: string, facts: Record<string, unknown>): MusterError =>
  new MusterError({ code: 'conflict', message: `${message} Nothing was moved.`, facts, retry: 'never' })

const missing = (what: string, facts: Record<string, unknown>): MusterError =>
  new MusterError({ code: 'not_found', message: `There is no such ${what}.`, facts })

const isTaken = (error: unknown): boolean => error instanceof MusterError && error.code === 'transition_refused'

const isSame = ({ note, amount }: Booked, { of, reason }: RefundInput): boolean =>
  note.reason === reason &&
  (of.type === 'receipt'
    ? note.receipt === of.receipt
    : note.receipt === null && note.job === of.job && amount === of.amount)

export const createRefund = (modules: RefundModules): Refund => {
  const { world, store, signer, domain, bugs = noBugs } = modules
  let last: Promise<unknown> = Promise.resolve()

  const tenantOf = async (job: JobId): Promise<TenantId> => {
    const row = await store.jobs.get(job)
    if (row === undefined) throw missing('job', { job })
    return row.tenant
  }

  /** Those of a job so far, in order. */
  const refundsOf = async (job: JobId, tenant: TenantId): Promise<Booked[]> => {
    const found: Booked[] = []
    for (;;) {
      const entry = await store.ledger.entry(refundId(job, found.length))
      if (entry?.note === undefined) return found
      const amount = entry.legs.find(({ account }) => account === tenantAccount(tenant))?.amount ?? 0n
      found.push({ entry: entry.id, job, tenant, amount, reversal: entry.note.reversal, note: entry.note })
    }
  }

  /** What was paid for a job, out of its escrow. */
  const paidFor = async (job: JobId): Promise<NanoUsd> => {
    const account = escrowAccount(job)
    let paid = 0n
    for (let after: EntryId | undefined; ;) {
      const page: readonly LedgerEntry[] = await store.ledger.list({
        account,
        limit: pageEntries,
        ...(after === undefined ? {} : { after }),
      })
      for (const { kind, legs } of page) {
        if (kind === 'payment') for (const leg of legs) if (leg.account === account) paid -= leg.amount
      }
      if (page.length < pageEntries) return paid
      after = page.at(-1)?.id
    }
  }

  const requireCharge = async (id: ReceiptId): Promise<StoredReceipt> => {
    const stored = await store.receipts.get(id)
    if (stored === undefined) throw missing('receipt', { receipt: id })
    const { amount, reverses } = stored.receipt.record
    if (reverses !== null)
      throw conflict('This receipt reverses another; there is nothing to refund.', { receipt: id, reverses })
    if (amount === 0n) throw conflict('This receipt is for nothing; there is nothing to refund.', { receipt: id })
    return stored
  }

  const reverse = (stored: StoredReceipt, entry: EntryId, note: EntryNote, at: number): Commit => {
    const charge = stored.receipt.record
    const { fee } = stored
    const reversal: Receipt = {
      ...charge,
      id: note.reversal ?? newId(world, 'receipt'),
      amount: -charge.amount,
      reverses: charge.id,
      issuedAt: at,
    }
    const legs = [
      { account: earningsAccount(charge.provider), amount: fee - charge.amount },
      ...(fee === 0n ? [] : [{ account: feesAccount, amount: -fee }]),
      { account: tenantAccount(charge.tenant), amount: charge.amount },
    ]
    const { record, signature } = stored.claim
    return {
      entries: [{ id: entry, kind: 'reversal', legs, at, note }],
      receipts: [
        {
          entry,
          fee: -fee,
          receipts: signGroup(signer, domain, [reversal]),
          claims: { records: [record], signatures: [signature] },
        },
      ],
    }
  }

  const giveAmount = (tenant: TenantId, amount: NanoUsd, entry: EntryId, note: EntryNote, at: number): Commit => {
    const legs = [
      { account: feesAccount, amount: -amount },
      { account: tenantAccount(tenant), amount },
    ]
    return { entries: [{ id: entry, kind: 'goodwill', legs, at, note }] }
  }

  const tryRefund = async (input: RefundInput): Promise<Refunded> => {
    const { of, reason, idempotencyKey } = input
    const stored = of.type === 'receipt' ? await requireCharge(of.receipt) : undefined
    const job = of.type === 'receipt' ? parseAttemptId(stored?.receipt.record.attempt ?? '')?.job : of.job
    if (job === undefined) throw missing('job', {})
    const tenant = await tenantOf(job)
    const before = await refundsOf(job, tenant)
    const repeated = idempotencyKey === undefined ? undefined : before.find(({ note }) => note.key === idempotencyKey)
    if (repeated !== undefined) {
      if (isSame(repeated, input)) return repeated
      throw conflict('This idempotency key was used with another refund; take a new one.', { key: idempotencyKey })
    }
    const receipt = of.type === 'receipt' ? of.receipt : null
    const known = receipt === null ? undefined : before.find(({ note }) => note.receipt === receipt)
    if (known !== undefined && !bugs.has('receipt-refunded-twice')) {
      throw conflict('This receipt was refunded before.', { receipt, entry: known.entry, reversal: known.reversal })
    }
    const amount = of.type === 'amount' ? of.amount : (stored?.receipt.record.amount ?? 0n)
    const left = (await paidFor(job)) - before.reduce((sum, each) => sum + each.amount, 0n)
    if (amount > left) {
      throw conflict(`Of what was paid for this job ${formatUsd(left)} is left; ${formatUsd(amount)} would be more.`, {
        job,
        left: formatUsd(left),
        asked: formatUsd(amount),
      })
    }
    const entry = refundId(job, before.length)
    const reversal = stored === undefined ? null : newId(world, 'receipt')
    const note: EntryNote = { job, receipt, reversal, reason, key: idempotencyKey ?? null }
    const at = world.now()
    await store.commit(
      stored === undefined ? giveAmount(tenant, amount, entry, note, at) : reverse(stored, entry, note, at),
    )
    return { entry, job, tenant, amount, reversal }
  }

  const refund = async (input: RefundInput): Promise<Refunded> => {
    for (let tries = 1; ; tries++) {
      try {
        const { entry, job, tenant, amount, reversal } = await tryRefund(input)
        return { entry, job, tenant, amount, reversal }
      } catch (error) {
        // Another node wrote a refund of this job meanwhile.
        if (!isTaken(error) || tries === maxTries) throw error
      }
    }
  }

  return (input) => {
    const refunding = last.then(() => refund(input))
    last = refunding.catch(() => {})
    return refunding
  }
}
