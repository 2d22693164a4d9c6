import { MusterError } from '@muster/protocol'

/** A signal that aborts when the caller's does, or when nothing restarted it in time. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Begins the wait anew. */
  restart(): void
  /** Waits no longer: the caller is busy with what arrived. */
  hold(): void
  stop(): void
}

export const cancelledError = (): MusterError =>
  new MusterError({ code: 'cancelled', message: 'The call was cancelled by its caller.' })

/** The reason of the signal is a MusterError: `timeout` naming `what`, or `cancelled`. */
export const startDeadline = (what: string, timeoutMs: number, caller?: AbortSignal): Deadline => {
  const controller = new AbortController()
  const cancel = () => controller.abort(cancelledError())
  const expire = () =>
    controller.abort(
      new MusterError({
        code: 'timeout',
        message: `The market did not answer ${what} within ${timeoutMs} ms.`,
        facts: { call: what, timeoutMs },
      }),
    )
  let timer = setTimeout(expire, timeoutMs)
  if (caller?.aborted === true) cancel()
  else caller?.addEventListener('abort', cancel, { once: true })
  return {
    signal: controller.signal,
    restart: () => {
      clearTimeout(timer)
      timer = setTimeout(expire, timeoutMs)
    },
    hold: () => clearTimeout(timer),
    stop: () => {
      clearTimeout(timer)
      caller?.removeEventListener('abort', cancel)
    },
  }
}
