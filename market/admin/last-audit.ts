import type { AuditReport, MarketStatus } from '@muster/protocol'

/** What the last audit of the ledger said, since the node was started. */
export interface LastAudit {
  /** Keeps a report in few numbers and gives it back. */
  note(report: AuditReport): AuditReport
  last(): MarketStatus['audit']
}

export const createLastAudit = (): LastAudit => {
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
      return report
    },
    last: () => last,
  }
}
