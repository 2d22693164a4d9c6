import { z } from 'zod'
import { timeSchema } from '../resource/resources.ts'

/** A line of text, without control characters. */
export const line = z.string().regex(/^\P{Cc}*$/u)
export const reasonSchema = line.min(1).max(500)

/** What may be denied. */
export const denialKinds = ['tenant', 'program', 'region', 'provider'] as const
export type DenialKind = (typeof denialKinds)[number]

/** What the denied one reads of a denial. */
export const denialNoticeSchema = z.strictObject({
  reason: reasonSchema,
  /** When it ends by itself; `null` where it does not. */
  expiresAt: timeSchema.nullable(),
  /** Whether what ran was stopped as well. */
  stopped: z.boolean(),
})
export type DenialNotice = z.output<typeof denialNoticeSchema>
