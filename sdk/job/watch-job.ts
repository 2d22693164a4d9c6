import { getJobRoute, MusterError, watchJobRoute, type JobId, type TimelineEvent } from '@muster/protocol'
import { callRoute } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import { pause } from '../client/pause.ts'
import { backOffMs } from '../client/retry-call.ts'

export interface WatchOptions {
  /** Begin after this event. Default 0: from the beginning. */
  readonly after?: number
  readonly signal?: AbortSignal | undefined
  /** How long the market may stay out of reach before the watch gives up. Default 10 minutes. */
  readonly patienceMs?: number
  /** The stream broke and is being opened again. */
  readonly onReconnect?: (error: MusterError) => void
}

/** Whoever begins after the last event of a closed job gets none. */
const isClosed = async (connection: Connection, job: JobId, signal: AbortSignal | undefined): Promise<boolean> =>
  (await callRoute(connection, getJobRoute, { params: { job } }, { signal })).phase === 'closed'

/**
 * The events of a job, each once and in order, until the job is closed. A stream that breaks is opened again after the last
 * event seen; the job does not notice. Rejects with `not_found`, `cancelled` once the signal aborts, and with what kept it from
 * the market once patience has run out.
 */
export async function* watchJob(
  connection: Connection,
  job: JobId,
  { after = 0, signal, patienceMs = 600_000, onReconnect }: WatchOptions = {},
): AsyncGenerator<TimelineEvent, void, undefined> {
  const { world } = connection
  const single = { ...connection, retry: { ...connection.retry, attempts: 1 } }
  let seen = after
  let failures = 0
  let brokenSince = world.elapsed()
  for (;;) {
    let failure: MusterError
    let isOpen = false
    try {
      const headers: Record<string, string> = seen === 0 ? {} : { 'last-event-id': String(seen) }
      const events = await callRoute(
        single,
        watchJobRoute,
        { params: { job }, query: { after: seen } },
        { signal, headers },
      )
      isOpen = true
      const before = seen
      for await (const event of events) {
        failures = 0
        if (event.version <= seen) continue
        seen = event.version
        yield event
        if (event.outcome !== undefined) return
      }
      if (seen === before && (await isClosed(single, job, signal))) return
      failure = new MusterError({
        code: 'unavailable',
        message: 'The market ended the stream of events before the job was closed.',
        facts: { job, after: seen },
        fault: 'network',
      })
    } catch (error) {
      if (!(error instanceof MusterError) || error.retry === 'never') throw error
      failure = error
    }
    failures++
    if (isOpen) brokenSince = world.elapsed()
    else if (world.elapsed() - brokenSince > patienceMs) throw failure
    const isMerelyQuiet = isOpen && failure.code === 'timeout'
    if (!isMerelyQuiet) onReconnect?.(failure)
    const delayMs = Math.max(backOffMs(connection.retry, failures, world), failure.retryAfterMs ?? 0)
    await pause(Math.min(delayMs, connection.retry.maxDelayMs), signal)
  }
}
