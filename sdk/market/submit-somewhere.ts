import { MusterError, type ErrorCode, type JobSpec, type JobView } from '@muster/protocol'
import { reopenable, type BlobSource } from '../blob/blob-source.ts'
import { putBlobs } from '../blob/put-blobs.ts'
import type { Connection } from '../client/connection.ts'
import { cancelledError } from '../client/deadline.ts'
import { pause } from '../client/pause.ts'
import { backOffMs } from '../client/retry-call.ts'
import { checkSpec, type JobSpecInput } from '../job/check-spec.ts'
import { prepareJob, sendJob, type PreparedJob } from '../job/submit-job.ts'
import { askMarket } from './ask-market.ts'
import { rankMarkets, type AskedMarket } from './rank-markets.ts'

export interface SubmitSomewhereOptions {
  /** Uploaded to the market that the job goes to, before the job: inputs, and the model and manifest of its program. */
  readonly blobs?: readonly BlobSource[]
  readonly signal?: AbortSignal | undefined
  /** Markets not to ask, by URL. */
  readonly except?: readonly string[]
  /** How long one task is thought to take, for orders that are awarded by `effective`. Default a minute. */
  readonly expectedTaskMs?: number
  /** What each market answered, the one to be tried first in front. */
  readonly onRanked?: (markets: readonly AskedMarket[]) => void
  /** This market did not take the job, for this reason; the next one is tried. */
  readonly onPassedOver?: (market: string, problem: MusterError) => void
}

/** A job, and the market that has it. */
export interface SubmittedJob {
  readonly market: string
  readonly job: JobView
  /** Why it is there: what each market answered, best first. */
  readonly ranked: readonly AskedMarket[]
  readonly passedOver: readonly { readonly market: string; readonly problem: MusterError }[]
}

export interface SubmitSomewhereLimits {
  /** How long a market is asked what it would charge. */
  readonly askTimeoutMs: number
  /** How long a market that may have taken the job is asked for its answer. */
  readonly patienceMs: number
}

/** Nothing of the request can have arrived. */
const undelivered: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])
const triesToReach = 3

/** What is wrong wherever the job goes. */
const everywhere: ReadonlySet<ErrorCode> = new Set(['spec_invalid', 'cancelled', 'program_refused'])

/** What a market says of the job itself, once it has looked whether it has it: all else it may say of a job that it took. */
const ofTheJob: ReadonlySet<ErrorCode> = new Set([
  'spec_invalid',
  'program_refused',
  'blob_missing',
  'nothing_fits',
  'insufficient_funds',
])

type Outcome = 'refused' | 'undelivered' | 'unknown'

/** What a failed try leaves open. A market's own word that it does not take the job is final; a broken connection says nothing. */
const outcomeOf = ({ code, fault, facts }: MusterError): Outcome => {
  if (facts['outcome'] === 'unknown') return 'unknown'
  if (code === 'timeout' || code === 'cancelled' || code === 'internal' || typeof facts['status'] === 'number')
    return 'unknown'
  if (fault !== 'network') return 'refused'
  return undelivered.has(facts['found']) ? 'undelivered' : 'unknown'
}

const unknownOutcome = (url: string, { job, key }: PreparedJob, patienceMs: number, cause: MusterError): MusterError =>
  new MusterError({
    code: 'unavailable',
    message: `Whether the market at ${url} took the job cannot be said: it did not answer for ${Math.round(patienceMs / 1000)} s. It was submitted nowhere else; look for ${job} once the market is back.`,
    facts: { outcome: 'unknown', market: url, job, key },
    fault: 'network',
    cause,
  })

const asMusterError = (error: unknown): MusterError =>
  error instanceof MusterError ? error : new MusterError({ code: 'internal', message: String(error), cause: error })

/**
 * Sends a job to one market until it has answered. A try whose outcome is unknown is repeated at the same market, under the same key,
 * for as long as patience lasts. Rejects with the market's refusal, or with `unavailable` and `facts.outcome: 'unknown'`.
 */
const sendUntilAnswered = async (
  connection: Connection,
  prepared: PreparedJob,
  { patienceMs }: SubmitSomewhereLimits,
  signal: AbortSignal | undefined,
): Promise<JobView> => {
  const { world, retry } = connection
  const once = { ...connection, retry: { ...retry, attempts: 1 } }
  const startedAt = world.elapsed()
  const isCancelled = (): boolean => signal?.aborted === true
  let mayBeTaken = false
  for (let tried = 1; ; tried++) {
    if (isCancelled()) throw cancelledError()
    try {
      return await sendJob(once, prepared, { signal })
    } catch (caught) {
      const error = asMusterError(caught)
      const outcome = outcomeOf(error)
      if (outcome === 'refused' && (!mayBeTaken || ofTheJob.has(error.code))) throw error
      mayBeTaken ||= outcome === 'unknown'
      if (isCancelled()) throw mayBeTaken ? unknownOutcome(connection.url, prepared, 0, error) : error
      if (!mayBeTaken && tried >= triesToReach) throw error
      if (world.elapsed() - startedAt > patienceMs) throw unknownOutcome(connection.url, prepared, patienceMs, error)
      await pause(Math.max(backOffMs(retry, Math.min(tried, 8), world), 0), signal).catch((reason: unknown) => {
        throw mayBeTaken ? unknownOutcome(connection.url, prepared, 0, error) : reason
      })
    }
  }
}

const askAll = (
  connections: readonly Connection[],
  spec: JobSpec,
  { signal, expectedTaskMs = 60_000 }: SubmitSomewhereOptions,
  { askTimeoutMs }: SubmitSomewhereLimits,
): Promise<AskedMarket[]> =>
  Promise.all(
    connections.map(async (connection) => ({
      market: connection.url,
      ...(await askMarket(connection, spec, { signal, timeoutMs: askTimeoutMs, expectedTaskMs })),
    })),
  )

/** Asks all markets at once what a job would get, and gives them in the order in which it would be submitted to them. */
export const compareMarkets = async (
  connections: readonly Connection[],
  input: JobSpecInput,
  options: SubmitSomewhereOptions,
  limits: SubmitSomewhereLimits,
): Promise<AskedMarket[]> => rankMarkets(await askAll(connections, checkSpec(input), options, limits))

const noneTook = (passedOver: SubmittedJob['passedOver']): MusterError => {
  const [first] = passedOver
  const cause = passedOver.find(({ problem }) => problem.code === 'nothing_fits') ?? first
  return new MusterError({
    code: cause?.problem.code ?? 'unavailable',
    message:
      passedOver.length === 0
        ? 'There is no market to submit to.'
        : `No market took the job: ${passedOver.map(({ market, problem }) => `${market}: ${problem.message}`).join(' ')}`,
    facts: {
      ...cause?.problem.facts,
      markets: passedOver.map(({ market, problem }) => ({ market, code: problem.code, message: problem.message })),
    },
    retry: 'later',
    ...(cause === undefined ? {} : { cause: cause.problem }),
  })
}

/**
 * Submits a job to the market where it gets the best award by its order's rule, and to the next where one refuses it or cannot be
 * reached. It is never at two: one that may have taken it is asked again until it has answered, and nobody else meanwhile.
 * Rejects with `spec_invalid`; with the reasons of all where none takes it; and where a market fell silent with the job on its
 * way, with `unavailable`, `facts.outcome: 'unknown'` and the id the job would have there.
 */
export const submitSomewhere = async (
  connections: readonly Connection[],
  input: JobSpecInput,
  options: SubmitSomewhereOptions,
  limits: SubmitSomewhereLimits,
): Promise<SubmittedJob> => {
  const { signal, blobs = [], except = [] } = options
  const sources = await Promise.all(blobs.map(reopenable))
  const open = connections.filter(({ url }) => !except.includes(url))
  const ranked = await compareMarkets(open, input, options, limits)
  options.onRanked?.(ranked)
  const passedOver: { market: string; problem: MusterError }[] = []
  for (const { market } of ranked) {
    const connection = open.find(({ url }) => url === market)
    if (connection === undefined) continue
    try {
      const brief = { ...connection, retry: { ...connection.retry, attempts: Math.min(2, connection.retry.attempts) } }
      await putBlobs(brief, sources, { signal })
      const prepared = await prepareJob(brief, input, { signal })
      const job = await sendUntilAnswered(connection, prepared, limits, signal)
      return { market, job, ranked, passedOver }
    } catch (error) {
      const problem = asMusterError(error)
      if (everywhere.has(problem.code) || problem.facts['outcome'] === 'unknown' || signal?.aborted === true)
        throw problem
      passedOver.push({ market, problem })
      options.onPassedOver?.(market, problem)
    }
  }
  throw noneTook(passedOver)
}
