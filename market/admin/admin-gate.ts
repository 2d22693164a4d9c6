import { MusterError, mayCall, ownersRule, toJson, type Route } from '@muster/protocol'
import type { AdminCaller, AdminKeys } from './admin-keys.ts'
import type { AdminLog, Asked } from './admin-log.ts'

/** What stands between the admin API and its handlers. */
export interface AdminGate {
  /** Who calls, where its role may call the route. Rejects `unauthenticated`, `forbidden`. */
  enter(name: string, route: Route, authorization: string | undefined): Promise<AdminCaller>
  /** Makes the call, recorded as the route says. */
  pass<Result>(caller: AdminCaller, call: AdminCall, act: () => Promise<Result> | Result): Promise<Result>
}

export interface AdminCall {
  readonly name: string
  readonly route: Route
  readonly params: unknown
  readonly body: unknown
  /** The header `muster-reason`, percent-encoded: why, where the body does not say. */
  readonly reason: string | undefined
}

const maxReason = 500

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const decode = (text: string | undefined): string => {
  try {
    return decodeURIComponent(text ?? '')
      .replaceAll(/\p{Cc}/gu, ' ')
      .slice(0, maxReason)
  } catch {
    return ''
  }
}

const askedOf = ({ name, route, params, body, reason }: AdminCall): Asked => {
  const given = isRecord(body) ? body : {}
  const members = ((route.admin ?? ownersRule).records ?? []).map((member) => [member, given[member] ?? null])
  const facts: unknown = { ...(isRecord(params) ? params : {}), ...Object.fromEntries(members) }
  return {
    action: name,
    // As JSON has it: amounts are bigint here.
    facts: JSON.parse(toJson(facts)) as Record<string, unknown>,
    reason: typeof given['reason'] === 'string' ? given['reason'] : decode(reason),
  }
}

export const createAdminGate = (keys: AdminKeys, log: AdminLog): AdminGate => ({
  enter: async (name, route, authorization) => {
    const caller = await keys.authenticate(authorization)
    const rule = route.admin ?? ownersRule
    if (mayCall(caller.role, rule)) return caller
    await log.refused(caller, { action: name, facts: {}, reason: '' })
    throw new MusterError({
      code: 'forbidden',
      message: `An admin key with the role ${caller.role} may not do this.`,
      facts: { expected: ['owner', ...rule.roles].join(' or '), found: caller.role },
    })
  },
  pass: async (caller, call, act) =>
    (call.route.admin ?? ownersRule).records === null ? act() : log.around(caller, askedOf(call), act),
})
