import type { JobId, LeaseId, TenantId } from '../id/id.ts'
import type { Address } from '../signature/address.ts'

/** An account of the ledger. Each but `outside` holds what somebody owns and never falls below zero. */
export type AccountName = string & { readonly __account: true }

const account = (text: string) => text as AccountName

/** Where deposits come from and withdrawals go. The only account that may be negative. */
export const outsideAccount = account('outside')
export const feesAccount = account('market:fees')
export const tenantAccount = (tenant: TenantId) => account(`tenant:${tenant}`)
export const escrowAccount = (job: JobId) => account(`escrow:${job}`)
export const earningsAccount = (provider: Address) => account(`earnings:${provider}`)
export const stakeAccount = (provider: Address) => account(`stake:${provider}`)
export const bondAccount = (lease: LeaseId) => account(`bond:${lease}`)

export const mayBeNegative = (name: AccountName): boolean => name === outsideAccount
