import {
  addressSchema,
  amendmentSchema,
  attemptIdSchema,
  claimSchema,
  decodeCanonical,
  encodeCanonical,
  hexSchema,
  idSchema,
  MusterError,
  problemSchema,
  runtimeKindSchema,
  timeSchema,
  signedLeaseSchema,
  signedReservationSchema,
  signedSchema,
  startBatchSchema,
  type Address,
  type AttemptId,
  type ReservationId,
} from '@muster/protocol'
import { z } from 'zod'

const countSchema = z.int().min(0)
/** Weights of the last hundred or so, in thousandths: records hold no fractions. */
const weightSchema = z.int().min(0).max(1_000_000)

const recordSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('reservation'),
    id: idSchema('reservation'),
    reservation: signedReservationSchema,
    runtime: runtimeKindSchema,
    lease: signedLeaseSchema.nullable(),
    /** The sealed auction it is bid in, until a lease names that. */
    auction: idSchema('auction').exactOptional(),
    amendments: z.array(signedSchema(amendmentSchema)).max(2).exactOptional(),
  }),
  /** Attempts taken on together; the id is that of the first. `over` are the places in the batch of those that are over. */
  z.strictObject({
    kind: z.literal('starts'),
    id: attemptIdSchema,
    market: addressSchema,
    batch: startBatchSchema,
    over: z.array(z.int().min(0)),
  }),
  /** How attempts ended, as it is sent until the market says it is settled; the id is that of the first. */
  z.strictObject({
    kind: z.literal('outcomes'),
    id: attemptIdSchema,
    market: addressSchema,
    claims: z.strictObject({ claims: z.array(claimSchema).min(1), signature: hexSchema(65) }).nullable(),
    failures: z.array(z.strictObject({ attempt: attemptIdSchema, problem: problemSchema })),
  }),
  /** Fences this machine was told of together, for tasks of one job; the id is that of one of the attempts. */
  z.strictObject({
    kind: z.literal('fences'),
    id: attemptIdSchema,
    job: idSchema('job'),
    tasks: z.array(z.strictObject({ index: z.int().min(0), fence: z.int().min(1) })).min(1),
  }),
  /** What this agent has seen of a market. */
  z.strictObject({
    kind: z.literal('market'),
    id: addressSchema,
    record: z.strictObject({
      leased: countSchema,
      released: countSchema,
      lapsed: countSchema,
      turnedAway: countSchema,
      claimed: countSchema,
      settled: countSchema,
      kept: weightSchema,
      vain: weightSchema,
      vainInARow: countSchema,
      rests: countSchema,
      restsUntil: timeSchema,
    }),
  }),
])

export type JournalRecord = z.output<typeof recordSchema>
type RecordKind = JournalRecord['kind']
export type ReservationRecord = Extract<JournalRecord, { kind: 'reservation' }>
export type StartsRecord = Extract<JournalRecord, { kind: 'starts' }>
export type OutcomesRecord = Extract<JournalRecord, { kind: 'outcomes' }>

export type JournalChange =
  | { readonly type: 'put'; readonly record: JournalRecord }
  | { readonly type: 'forget'; readonly kind: RecordKind; readonly id: string }

export const put = (record: JournalRecord): JournalChange => ({ type: 'put', record })
export const forgetReservation = (id: ReservationId): JournalChange => ({ type: 'forget', kind: 'reservation', id })
export const forgetStarts = (id: AttemptId): JournalChange => ({ type: 'forget', kind: 'starts', id })
export const forgetOutcomes = (id: AttemptId): JournalChange => ({ type: 'forget', kind: 'outcomes', id })
export const forgetMarket = (id: Address): JournalChange => ({ type: 'forget', kind: 'market', id })
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
