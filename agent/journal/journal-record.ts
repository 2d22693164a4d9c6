import {
  addressSchema,
  attemptIdSchema,
  claimSchema,
  decodeCanonical,
  encodeCanonical,
  idSchema,
  MusterError,
  problemSchema,
  runtimeKindSchema,
  signedLeaseSchema,
  signedReservationSchema,
  startSchema,
  type AttemptId,
  type ReservationId,
} from '@muster/protocol'
import { z } from 'zod'

const outcomeSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('claimed'), claim: claimSchema }),
  z.strictObject({ type: z.literal('failed'), problem: problemSchema }),
])

/** How an attempt ended on this machine: what is sent until the market says it is settled. */
export type Outcome = z.output<typeof outcomeSchema>

const recordSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('reservation'),
    id: idSchema('reservation'),
    reservation: signedReservationSchema,
    runtime: runtimeKindSchema,
    lease: signedLeaseSchema.nullable(),
  }),
  z.strictObject({
    kind: z.literal('attempt'),
    id: attemptIdSchema,
    market: addressSchema,
    start: startSchema,
    outcome: outcomeSchema.nullable(),
  }),
  /** Fences this machine was told of together, for tasks of one job; the id is that of one of the attempts. */
  z.strictObject({
    kind: z.literal('fences'),
    id: attemptIdSchema,
    job: idSchema('job'),
    tasks: z.array(z.strictObject({ index: z.int().min(0), fence: z.int().min(1) })).min(1),
  }),
])

export type JournalRecord = z.output<typeof recordSchema>
type RecordKind = JournalRecord['kind']
export type ReservationRecord = Extract<JournalRecord, { kind: 'reservation' }>
export type AttemptRecord = Extract<JournalRecord, { kind: 'attempt' }>

export type JournalChange =
  | { readonly type: 'put'; readonly record: JournalRecord }
  | { readonly type: 'forget'; readonly kind: RecordKind; readonly id: string }

export const put = (record: JournalRecord): JournalChange => ({ type: 'put', record })
export const forgetReservation = (id: ReservationId): JournalChange => ({ type: 'forget', kind: 'reservation', id })
export const forgetAttempt = (id: AttemptId): JournalChange => ({ type: 'forget', kind: 'attempt', id })
export const forgetFences = (id: AttemptId): JournalChange => ({ type: 'forget', kind: 'fences', id })

export const encodeRecord = (record: JournalRecord): Uint8Array => encodeCanonical(record)

/** Throws `record_invalid`, naming the record. */
export const decodeRecord = (key: string, bytes: Uint8Array): JournalRecord => {
  const parsed = recordSchema.safeParse(decodeCanonical(bytes))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new MusterError({
    code: 'record_invalid',
    message: `The journal's record ${key} cannot be read; restore the data directory or start with an empty one.`,
    facts: { record: key, path: issue?.path.join('.') ?? '', expected: issue?.message ?? '' },
    fault: 'machine',
    cause: parsed.error,
  })
}
