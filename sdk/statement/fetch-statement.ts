import { MusterError, routes, signRecord, type Signer, type Statement } from '@muster/protocol'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'

/** Wall-clock ms: from `from` on and before `to`. */
export interface StatementPeriod {
  readonly from: number
  readonly to: number
}

const requireSame = (what: string, expected: unknown, found: unknown): void => {
  if (expected === undefined || expected === found) return
  throw new MusterError({
    code: 'signature_invalid',
    fault: 'market',
    message: `This is another market than the one you trust: its ${what} differs. Nothing was signed for it.`,
    facts: { expected: String(expected), found: String(found) },
  })
}

/**
 * What a provider earned in a period, asked for with its key: a challenge of the market is signed here. Hold it against itself
 * with `checkStatement`. Rejects `signature_invalid` where the key is not the provider's or the market not the one that is
 * trusted, `request_invalid` for a period of too many receipts.
 */
export const fetchStatement = async (
  connection: Connection,
  signer: Signer,
  { from, to }: StatementPeriod,
  options?: CallOptions,
): Promise<Statement> => {
  const provider = signer.address
  const asked = { isIdempotent: true, ...options }
  const { challenge, market, chainId } = await callRoute(
    connection,
    routes.statementChallenge,
    { body: { provider } },
    asked,
  )
  requireSame('address', connection.market, market)
  requireSame('chain id', connection.chainId, chainId)
  const record = { kind: 'statement', market, provider, challenge, from, to } as const
  const request = signRecord(signer, { chainId, market }, record)
  const statement = await callRoute(connection, routes.statement, { body: { request } }, options)
  requireSame('statement', provider, statement.provider)
  return statement
}
