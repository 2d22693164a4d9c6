import { toJson, type AdminRole } from '@muster/protocol'
import { rehearse, type Rehearsal, type RehearsalOptions } from '../rehearsal/rehearse.ts'

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly headers: Headers
}

export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>

export interface AdminStage {
  readonly stage: Rehearsal
  /** Calls with the key the market was started with. */
  readonly owner: Ask
  /** Calls with any key. */
  readonly as: (key: string) => Ask
  readonly keyOf: (role: AdminRole) => Promise<{ readonly key: string; readonly adminKey: string }>
}

/** A rehearsed market for the tests of its admin API. */
export const stageAdmin = async (ownerKey: string, options: RehearsalOptions = {}): Promise<AdminStage> => {
  const stage = await rehearse(options)
  const as =
    (key: string): Ask =>
    async (method, path, body, headers = {}) => {
      const response = await stage.app().request(path, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: toJson(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: JSON.parse(text) as Record<string, unknown> }
    }
  const owner = as(ownerKey)
  const keyOf = async (role: AdminRole) => {
    const { body } = await owner('POST', '/v1/admin/keys', { name: `a ${role}`, role })
    return body as unknown as { key: string; adminKey: string }
  }
  return { stage, owner, as, keyOf }
}
