import { z } from 'zod'
import { timeSchema } from '../resource/resources.ts'

/** What does not add up: whose it is (an account, an entry, a receipt, a job), and one sentence. */
export const auditFaultSchema = z.strictObject({ subject: z.string(), message: z.string() })
export type AuditFault = z.output<typeof auditFaultSchema>

export const auditCheckSchema = z.strictObject({
  name: z.string(),
  /** What holds where there is no fault, in a few words. */
  claim: z.string(),
  /** How many things were looked at. */
  checked: z.int().min(0),
  faultCount: z.int().min(0),
  /** The first of them. */
  faults: z.array(auditFaultSchema),
})
export type AuditCheck = z.output<typeof auditCheckSchema>

/** What a ledger says about itself, worked out afresh from its entries, receipts and jobs. */
export const auditReportSchema = z.strictObject({
  ok: z.boolean(),
  startedAt: timeSchema,
  endedAt: timeSchema,
  /** How often all was read: again where something was found, since a market that works on moves meanwhile. */
  passes: z.int().min(1),
  checks: z.array(auditCheckSchema),
})
export type AuditReport = z.output<typeof auditReportSchema>
