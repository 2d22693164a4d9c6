import {
  accountRoute,
  marketRoute,
  MusterError,
  newId,
  submitJobRoute,
  type JobSpec,
  type JobView,
  type SignedOrder,
  type OrderId,
  type Signer,
} from '@muster/protocol'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import { buildOrder } from './build-order.ts'
import { checkSpec, type JobSpecInput } from './check-spec.ts'

const requireSame = (what: string, expected: unknown, found: unknown): void => {
  if (expected === undefined || expected === found) return
  throw new MusterError({
    code: 'signature_invalid',
    message: `This market is not the one the key is to sign for: its ${what} differs.`,
    facts: { expected, found },
    fault: 'market',
  })
}

const signOrder = async (
  connection: Connection,
  signer: Signer,
  spec: JobSpec,
  id: OrderId,
  options: CallOptions,
): Promise<SignedOrder> => {
  const [market, account] = await Promise.all([
    callRoute(connection, marketRoute, {}, options),
    callRoute(connection, accountRoute, {}, options),
  ])
  requireSame('network', connection.chainId, market.chainId)
  requireSame('address', connection.market, market.address)
  if (account.address !== signer.address) {
    throw new MusterError({
      code: 'signature_invalid',
      message: 'This key is not the one of the account; the market would refuse the order.',
      facts: { expected: account.address, found: signer.address },
      fault: 'tenant',
    })
  }
  const domain = { chainId: market.chainId, market: market.address }
  return buildOrder(connection.world, signer, { spec, id, tenant: account.tenant, domain })
}

/**
 * Submits a job, once: the call carries an idempotency key, so that a try whose answer was lost is repeated without a second job.
 * The spec is checked here first, and where a signer is given the order is signed here; else the market signs for the tenant.
 * Rejects with `spec_invalid` (`facts.issues`), `nothing_fits` (`facts.nearest`), `insufficient_funds`, `blob_missing`, ….
 */
export const submitJob = async (
  connection: Connection,
  input: JobSpecInput,
  options: CallOptions = {},
): Promise<JobView> => {
  const spec = checkSpec(input)
  const id = newId(connection.world, 'order')
  const order =
    connection.signer === undefined ? undefined : await signOrder(connection, connection.signer, spec, id, options)
  const submit = () =>
    callRoute(
      connection,
      submitJobRoute,
      { body: { spec, ...(order === undefined ? {} : { order }) } },
      { ...options, headers: { ...options.headers, 'idempotency-key': id }, isIdempotent: true },
    )
  try {
    return await submit()
  } catch (error) {
    // A try that was given up here came through there meanwhile; with the same key the market answers with its job.
    if (error instanceof MusterError && error.code === 'order_replayed') return submit()
    throw error
  }
}
