import { MusterError, outsideAccount, tenantAccount, type ErrorCode, type JobEvent } from '@muster/protocol'
import type { Append, Store } from '../store.ts'
import { at, move, someId } from '../test-records.ts'

/** The store that is open now; a test may open another. */
export interface OpenStore {
  readonly store: Store
}

export const append = (stream: Append['stream'], expectedVersion: number, ...events: readonly JobEvent[]): Append => ({
  stream,
  expectedVersion,
  events,
  at,
})

export const refusal = async (promise: Promise<unknown>): Promise<MusterError> => {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof MusterError))
    throw new Error(`expected a MusterError, found ${String(error)}`, { cause: error })
  return error
}

export const codes = async (promises: readonly Promise<unknown>[]): Promise<(ErrorCode | 'ok')[]> =>
  Promise.all(
    promises.map((promise) =>
      promise.then(
        () => 'ok' as const,
        (error: unknown) => {
          if (error instanceof MusterError) return error.code
          throw error
        },
      ),
    ),
  )

/** A tenant with this much on its account. */
export const funded = async ({ store }: OpenStore, amount = 1_000n) => {
  const tenant = someId('tenant')
  const account = tenantAccount(tenant)
  await store.commit({ entries: [move(outsideAccount, account, amount)] })
  return { tenant, account }
}
