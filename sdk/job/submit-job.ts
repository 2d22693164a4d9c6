import {
  accountRoute,
  commitSpec,
  marketRoute,
  MusterError,
  newId,
  parseId,
  toHex,
  submitJobRoute,
  type CommittedSpec,
  type JobId,
  type JobSpec,
  type JobView,
  type SignedOrder,
  type OrderId,
  type Signer,
} from '@muster/protocol'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import { buildOrder, type OrderInput } from './build-order.ts'
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

/** Who orders at which market, both as the market says, once it is known to be the one the key is to sign for. */
export const findParty = async (
  connection: Connection,
  signer: Signer,
  options: CallOptions,
): Promise<Pick<OrderInput, 'tenant' | 'domain'>> => {
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
  return { tenant: account.tenant, domain: { chainId: market.chainId, market: market.address } }
}

const signOrder = async (
  connection: Connection,
  signer: Signer,
  spec: CommittedSpec,
  id: OrderId,
  options: CallOptions,
): Promise<SignedOrder> =>
  buildOrder(connection.world, signer, { ...(await findParty(connection, signer, options)), spec, id })

/** A job as it is sent, the same bytes each time: under its key a market takes it once. */
export interface PreparedJob {
  /** The idempotency key. The id of the job follows from it. */
  readonly key: OrderId
  readonly job: JobId
  readonly body: { readonly spec: JobSpec; readonly order?: SignedOrder }
}

/** Checks the spec, and signs the order where a signer is given. */
export const prepareJob = async (
  connection: Connection,
  input: JobSpecInput,
  options: CallOptions = {},
): Promise<PreparedJob> => {
  const checked = checkSpec(input)
  const nameSalt = checked.nameSalt ?? toHex(connection.world.random(32))
  const spec: JobSpec = { ...checked, nameSalt }
  const key = newId(connection.world, 'order')
  const order =
    connection.signer === undefined
      ? undefined
      : await signOrder(connection, connection.signer, commitSpec(spec, nameSalt), key, options)
  const job = parseId('job', `job_${key.slice('ord_'.length)}`)
  return { key, job, body: { spec, ...(order === undefined ? {} : { order }) } }
}

/** Sends a prepared job; safe to repeat. */
export const sendJob = async (
  connection: Connection,
  { key, body }: PreparedJob,
  options: CallOptions = {},
): Promise<JobView> => {
  const submit = () =>
    callRoute(
      connection,
      submitJobRoute,
      { body },
      { ...options, headers: { ...options.headers, 'idempotency-key': key }, isIdempotent: true },
    )
  try {
    return await submit()
  } catch (error) {
    // A try that was given up here came through there meanwhile; with the same key the market answers with its job.
    if (error instanceof MusterError && error.code === 'order_replayed') return submit()
    throw error
  }
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
): Promise<JobView> => sendJob(connection, await prepareJob(connection, input, options), options)
