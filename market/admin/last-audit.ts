import type { AuditReport, MarketStatus } from '@muster/protocol'

/** What the last audit of the ledger said: of this node, or of any node of the market. */
export interface LastAudit {
  /** Keeps a report in few numbers and gives it back. */
  note(report: AuditReport): AuditReport
  last(): MarketStatus['audit']
  /** One of another node. */
  learn(found: MarketStatus['audit']): void
}

/** `share` tells the other nodes. */
export const createLastAudit = (share: (audit: MarketStatus['audit']) => void = () => {}): LastAudit => {
  let last: MarketStatus['audit'] = null
  return {
    note: (report) => {
      const sum = (of: (check: AuditReport['checks'][number]) => number): number =>
        report.checks.reduce((total, check) => total + of(check), 0)
      last = {
        at: report.endedAt,
        ok: report.ok,
        checked: sum(({ checked }) => checked),
        faults: sum(({ faultCount }) => faultCount),
      }
      share(last)
      return report
    },
    last: () => last,
    learn: (found) => {
      if (found !== null && found.at > (last?.at ?? 0)) last = found
    },
  }
}
