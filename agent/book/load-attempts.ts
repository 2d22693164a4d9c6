import {
  MusterError,
  signTogether,
  startsOf,
  toProblem,
  type AttemptId,
  type Claim,
  type Start,
} from '@muster/protocol'
import { newAttempt } from '../attempt/new-attempt.ts'
import { holdStarts, strikeOut } from '../attempt/strike-out.ts'
import { domainOf, type AgentContext } from '../context.ts'
import {
  forgetOutcomes,
  put,
  type JournalChange,
  type JournalRecord,
  type OutcomesRecord,
  type StartsRecord,
} from '../journal/journal-record.ts'
import { holdAttempt, type HeldAttempt, type HeldReport, type HeldStarts } from './book.ts'

const leaseClosed = ({ lease }: Start): MusterError =>
  new MusterError({
    code: 'lease_closed',
    message: 'The lease was over when this agent came back.',
    facts: { lease },
  })

const outputsLost = (attempt: AttemptId): MusterError =>
  new MusterError({
    code: 'blob_missing',
    message: 'The outputs of this attempt were lost with the agent.',
    facts: { attempt },
    fault: 'machine',
    retry: 'now',
  })

type Attempts = ReadonlyMap<AttemptId, HeldAttempt>

/** Takes up attempts that were taken on together, but for those that are over. */
const loadStarts = ({ book }: AgentContext, record: StartsRecord, attempts: Map<AttemptId, HeldAttempt>) => {
  const { id, market, batch } = record
  const over = new Set(record.over)
  const starts: HeldStarts = { id, market, batch, left: 0, reports: new Set() }
  for (const [place, start] of startsOf(batch).entries()) {
    if (over.has(place)) continue
    const attempt = newAttempt(starts, start)
    attempt.isDurable = true
    starts.left++
    attempts.set(attempt.id, attempt)
    holdAttempt(book, attempt)
  }
  holdStarts(book, starts)
  return starts
}

/** Those of the claims whose outputs are not here any more, of attempts that are not over. */
const findLost = async ({ blobs }: AgentContext, claims: readonly Claim[], attempts: Attempts): Promise<Set<Claim>> => {
  const lost = new Set<Claim>()
  for (const claim of claims) {
    if (!attempts.has(claim.attempt)) continue
    for (const { cid } of claim.outputs) if ((await blobs.read(cid)) === undefined) lost.add(claim)
  }
  return lost
}

/** A report without claims that cannot be kept: their attempts have failed. */
const withoutLost = (context: AgentContext, record: OutcomesRecord, lost: ReadonlySet<Claim>): OutcomesRecord => {
  const claims = record.claims?.claims.filter((claim) => !lost.has(claim)) ?? []
  const failed = [...lost].map(({ attempt }) => ({ attempt, problem: toProblem(outputsLost(attempt)) }))
  return {
    ...record,
    claims:
      claims.length === 0
        ? null
        : { claims, signature: signTogether(context.signer, domainOf(context, record.market), claims) },
    failures: [...record.failures, ...failed],
  }
}

const takeUp = (
  { blobs }: AgentContext,
  attempt: HeldAttempt,
  report: HeldReport,
  ending: NonNullable<HeldAttempt['ending']>,
): void => {
  const outputs = 'claim' in ending ? ending.claim.outputs : []
  attempt.phase = 'reported'
  attempt.ending = ending
  attempt.report = report
  report.unsettled++
  report.starts.add(attempt.starts)
  attempt.starts.reports.add(report)
  attempt.outputs = outputs.map(({ name, cid }) => ({ name, cid, bytes: null }))
  for (const { cid } of outputs) blobs.pin(cid)
}

/** Reports on how attempts ended. What was settled is not known of each: the market says so again. */
const loadOutcomes = async (
  context: AgentContext,
  found: OutcomesRecord,
  attempts: Attempts,
): Promise<JournalChange[]> => {
  const { book } = context
  const lost = await findLost(context, found.claims?.claims ?? [], attempts)
  const record = lost.size === 0 ? found : withoutLost(context, found, lost)
  const { id, market, claims, failures } = record
  const reported = [
    ...(claims?.claims ?? []).map((claim) => ({ attempt: claim.attempt, ending: { claim } })),
    ...failures.map(({ attempt, problem }) => ({ attempt, ending: { problem } })),
  ].flatMap(({ attempt, ending }) => {
    const held = attempts.get(attempt)
    return held === undefined ? [] : [{ held, ending }]
  })
  if (reported.length === 0) return [forgetOutcomes(id)]
  const report: HeldReport = {
    id,
    market,
    claims,
    failures,
    attempts: reported.map(({ held }) => held),
    starts: new Set(),
    unsettled: 0,
    sentAt: null,
  }
  for (const { held, ending } of reported) takeUp(context, held, report, ending)
  book.reports.add(report)
  return lost.size === 0 ? [] : [put(record)]
}

/** Has what was not finished run again where its lease is still held and no higher fence came; reports it as failed otherwise. */
const resume = (
  context: AgentContext,
  attempt: HeldAttempt,
  { index, fence }: StartsRecord['batch']['tasks'][number],
) => {
  const { book, logBook, outbox } = context
  const lease = book.leases.get(attempt.start.lease)
  const isNewest = (book.jobs.get(attempt.starts.batch.job)?.fences.get(index) ?? 0) <= fence
  if (lease !== undefined && isNewest) {
    logBook.add(attempt.id, attempt.market, 'run again after the agent came back')
    lease.queue.add(attempt)
    return
  }
  attempt.phase = 'ended'
  attempt.ending = { problem: toProblem(leaseClosed(attempt.start)) }
  outbox.add(attempt)
}

/**
 * Takes up attempts that may not be over, fences loaded before: reported on where it is known how they ended, run again or
 * reported as failed where it is not. Gives what the journal must be told.
 */
export const loadAttempts = async (
  context: AgentContext,
  records: readonly JournalRecord[],
): Promise<JournalChange[]> => {
  const { book } = context
  const attempts = new Map<AttemptId, HeldAttempt>()
  const changes: JournalChange[] = []
  for (const record of records) {
    if (record.kind !== 'starts') continue
    const starts = loadStarts(context, record, attempts)
    if (starts.left === 0) changes.push(...strikeOut(book, [starts]))
  }
  for (const record of records) {
    if (record.kind === 'outcomes') changes.push(...(await loadOutcomes(context, record, attempts)))
  }
  for (const starts of book.starts.values()) {
    for (const task of starts.batch.tasks) {
      const attempt = attempts.get(`${starts.batch.job}.${task.index}.${task.fence}` as AttemptId)
      if (attempt?.phase === 'queued') resume(context, attempt, task)
    }
  }
  return changes
}
