import { feesAccount, formatUsd, mayBeNegative, outsideAccount, type AccountName } from '@muster/protocol'
import { createSums, fault, type AuditReader } from './audit-check.ts'

const starts = (prefix: string) => (account: AccountName) => account.startsWith(`${prefix}:`)
const isTenant = starts('tenant')
const isEscrow = starts('escrow')
const isEarnings = starts('earnings')
const isStake = starts('stake')
const isBond = starts('bond')
const isFees = (account: AccountName) => account === feesAccount
const isOutside = (account: AccountName) => account === outsideAccount

type IsAccount = (account: AccountName) => boolean

/** Where the money of each kind may come from and go to. */
const kinds: Readonly<Record<string, { readonly from: IsAccount; readonly to: IsAccount }>> = {
  deposit: { from: isOutside, to: (account) => isTenant(account) || isFees(account) },
  stake: { from: isOutside, to: isStake },
  escrow: { from: isTenant, to: isEscrow },
  payment: { from: isEscrow, to: (account) => isEarnings(account) || isFees(account) },
  refund: { from: isEscrow, to: isTenant },
  reversal: { from: (account) => isEarnings(account) || isFees(account), to: isTenant },
  goodwill: { from: isFees, to: isTenant },
  bond: { from: isStake, to: isBond },
  'bond-return': { from: isBond, to: isStake },
}

/** Every entry sums to zero and moves money between the accounts that its kind is for. */
export const checkEntries = (): AuditReader => {
  const faults: ReturnType<typeof fault>[] = []
  const sums = createSums<AccountName>()
  let checked = 0
  return {
    entry: ({ id, kind, legs }) => {
      checked++
      const sum = legs.reduce((total, { amount }) => total + amount, 0n)
      if (sum !== 0n) faults.push(fault(id, `This ${kind} sums to ${formatUsd(sum)}, not to zero.`))
      const rule = kinds[kind]
      for (const { account, amount } of legs) {
        sums.add(account, amount)
        if (amount === 0n) continue
        if (rule !== undefined && (amount < 0n ? rule.from(account) : rule.to(account))) continue
        faults.push(
          fault(
            id,
            `A ${kind} moves nothing ${amount < 0n ? 'out of' : 'into'} ${account}, but this one ${formatUsd(amount)}.`,
          ),
        )
      }
    },
    finish: () => ({
      name: 'entries',
      claim: 'every entry sums to zero and moves what its kind may, and no account was overdrawn',
      checked,
      faults: [
        ...faults,
        ...[...sums.sums]
          .filter(([account, sum]) => sum < 0n && !mayBeNegative(account))
          .map(([account, sum]) => fault(account, `Its entries come to ${formatUsd(sum)}, below zero.`)),
      ],
    }),
  }
}
