import { formatUsd, type AccountName, type LeaseId, type NanoUsd } from '@muster/protocol'
import { fault, type AuditReader } from './audit-check.ts'

/** The bond of each lease was tied once and returned once, to the stake it came from; that of an open lease is still tied. */
export const checkBonds = (): AuditReader => {
  interface Bond {
    tied: NanoUsd
    held: NanoUsd
    times: number
    /** The stakes it was tied from and returned to. */
    readonly stakes: Set<AccountName>
  }
  const bonds = new Map<AccountName, Bond>()
  const open = new Map<AccountName, { readonly id: LeaseId; readonly bond: NanoUsd }>()
  const faults: ReturnType<typeof fault>[] = []
  return {
    entry: ({ kind, legs }) => {
      if (kind !== 'bond' && kind !== 'bond-return') return
      const stake = legs.find(({ account }) => account.startsWith('stake:'))?.account
      for (const { account, amount } of legs) {
        if (!account.startsWith('bond:')) continue
        const bond = bonds.get(account) ?? { tied: 0n, held: 0n, times: 0, stakes: new Set<AccountName>() }
        bonds.set(account, bond)
        bond.held += amount
        if (kind === 'bond') {
          bond.tied += amount
          bond.times++
        }
        if (stake !== undefined) bond.stakes.add(stake)
      }
    },
    lease: ({ id, bond }) => {
      if (bond > 0n) open.set(`bond:${id}` as AccountName, { id, bond })
    },
    finish: () => {
      for (const [account, { tied, held, times, stakes }] of bonds) {
        const due = open.get(account)?.bond ?? 0n
        if (stakes.size > 1) faults.push(fault(account, `It is of ${[...stakes].join(' and ')}.`))
        if (times > 1) faults.push(fault(account, `It was tied ${times} times.`))
        if (held !== due)
          faults.push(
            fault(
              account,
              `It holds ${formatUsd(held)} of ${formatUsd(tied)} tied; its lease is ${due === 0n ? 'closed' : `open for ${formatUsd(due)}`}.`,
            ),
          )
      }
      for (const [account, { id, bond }] of open) {
        if (!bonds.has(account)) faults.push(fault(id, `This lease is open without its bond of ${formatUsd(bond)}.`))
      }
      return {
        name: 'bonds',
        claim: 'the bond of every lease is tied while it is open, and returned once',
        checked: bonds.size,
        faults,
      }
    },
  }
}
