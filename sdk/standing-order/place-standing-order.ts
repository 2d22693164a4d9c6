import {
  commitSpec,
  explainIssues,
  MusterError,
  newId,
  placeStandingOrderRoute,
  sayIssues,
  standingTermsSchema,
  toHex,
  type JobSpec,
  type SignedOrder,
  type StandingOrderView,
  type StandingTerms,
} from '@muster/protocol'
import type { z } from 'zod'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import { buildOrder } from '../job/build-order.ts'
import { checkSpec, type JobSpecInput } from '../job/check-spec.ts'
import { findParty } from '../job/submit-job.ts'

/** Terms as they are written: `until` is wall-clock ms; left out, `times` is 1, there is no pause, and no budget but each job's ceiling. */
export type StandingTermsInput = z.input<typeof standingTermsSchema>

const checkTerms = (terms: StandingTermsInput): StandingTerms => {
  const parsed = standingTermsSchema.safeParse(terms)
  if (parsed.success) return parsed.data
  const issues = explainIssues(parsed.error, terms, standingTermsSchema)
  throw new MusterError({
    code: 'spec_invalid',
    message: sayIssues('The terms of the standing order', issues),
    facts: { issues },
    cause: parsed.error,
  })
}

/** One order for each job, signed now: with a key of its own a tenant decides beforehand how many there may be. */
const signOrders = async (
  connection: Connection,
  spec: JobSpec,
  { times, until }: StandingTerms,
  options: CallOptions,
): Promise<SignedOrder[]> => {
  const { signer, world } = connection
  if (signer === undefined) return []
  if (times === null) {
    throw new MusterError({
      code: 'spec_invalid',
      message: 'Orders are signed one for each job beforehand: say how many times, at most 100.',
      facts: { issues: [{ path: 'terms.times', expected: 'a number', found: 'null' }] },
    })
  }
  const party = await findParty(connection, signer, options)
  const committed = commitSpec(spec, spec.nameSalt ?? toHex(world.random(32)))
  return Array.from({ length: times }, () =>
    buildOrder(world, signer, { ...party, spec: committed, id: newId(world, 'order'), expiresAt: until }),
  )
}

/**
 * Places a standing order, once: the market makes a job of the spec whenever the supply can take it, within its terms. Where a signer is
 * given, an order for each job is signed here; such orders are valid for 30 days at most, and so is the standing order.
 * Rejects with `spec_invalid` (`facts.issues`), `blob_missing`, `conflict`, `forbidden`, ….
 */
export const placeStandingOrder = async (
  connection: Connection,
  input: JobSpecInput,
  given: StandingTermsInput,
  options: CallOptions = {},
): Promise<StandingOrderView> => {
  const checked = checkSpec(input)
  const spec = { ...checked, nameSalt: checked.nameSalt ?? toHex(connection.world.random(32)) }
  const terms = checkTerms(given)
  const orders = await signOrders(connection, spec, terms, options)
  const headers = { ...options.headers, 'idempotency-key': newId(connection.world, 'standing-order') }
  return callRoute(
    connection,
    placeStandingOrderRoute,
    { body: { spec, terms, orders } },
    { ...options, headers, isIdempotent: true },
  )
}
