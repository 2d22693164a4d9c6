/**
 * What an admin key may do. The owner may do everything; an operator looks after the running node, support reads tenants and
 * jobs, an auditor reads the ledger.
 */
export const adminRoles = ['owner', 'operator', 'support', 'auditor'] as const
export type AdminRole = (typeof adminRoles)[number]

/** Who may call an admin route beside the owner, and what of the call goes into the admin log. */
export interface AdminRule {
  readonly roles: readonly AdminRole[]
  /** Members of the body that are recorded beside the parameters of the path; `null` where the call is not recorded at all. */
  readonly records: readonly string[] | null
}

/** The rule of a route without one. */
export const ownersRule: AdminRule = { roles: [], records: [] }

export const mayCall = (role: AdminRole, rule: AdminRule): boolean => role === 'owner' || rule.roles.includes(role)
