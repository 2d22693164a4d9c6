import {
  tenantAccount,
  type JobId,
  type NumberedStandingEvent,
  type StandingOrderView,
  type TenantId,
} from '@muster/protocol'
import { noopSpec, rehearse, type Rehearsal, type Tenant } from '../rehearsal/rehearse.ts'

export const hour = 3_600_000

/** Four slots, at 100 nano-dollars a task: what the specs below ask for at most. */
export const setUp = async (options: Parameters<typeof rehearse>[0] = {}, balance = 100_000n) => {
  const stage = await rehearse(options)
  const tenant = await stage.tenant(balance)
  const spec = (change: Record<string, unknown> = {}) =>
    noopSpec(2, { slots: 2, maxPrice: { nanoUsd: '100', per: 'task' }, ceiling: '200', ...change })
  const place = (body: Record<string, unknown> = {}, headers: Record<string, string> = {}) => {
    const terms = { until: stage.world.now() + 24 * hour, ...(body['terms'] as object) }
    return tenant.request('POST', '/v1/standing-orders', { spec: spec(), ...body, terms }, headers)
  }
  const placed = async (terms: Record<string, unknown> = {}, body: Record<string, unknown> = {}) =>
    read<StandingOrderView>(await place({ ...body, terms }))
  const supply = (slots = 4, nanoUsd = 100n) =>
    stage.agent({ key: 1, slots, nanoUsd, taskMs: 1_000, offer: { expiresAt: stage.world.now() + 30 * 24 * hour } })
  return { stage, tenant, spec, place, placed, supply }
}

export const read = async <Body>(response: Response): Promise<Body> => {
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`)
  return (await response.json()) as Body
}
export const show = async (tenant: Tenant, { id }: StandingOrderView) =>
  read<StandingOrderView>(await tenant.request('GET', `/v1/standing-orders/${id}`))
export const eventsOf = async (tenant: Tenant, { id }: StandingOrderView) =>
  (
    await read<{ events: NumberedStandingEvent[] }>(await tenant.request('GET', `/v1/standing-orders/${id}/events`))
  ).events.map(({ event }) => event)
export const typesOf = async (tenant: Tenant, order: StandingOrderView) =>
  (await eventsOf(tenant, order)).map(({ type }) => type)
export const jobsOf = async (tenant: Tenant) =>
  (await read<{ jobs: { id: JobId; outcome: string | null }[] }>(await tenant.request('GET', '/v1/jobs'))).jobs
export const balanceOf = (stage: Rehearsal, tenant: { id: TenantId }) => stage.balance(tenantAccount(tenant.id))
export const until = async (
  stage: Rehearsal,
  tenant: Tenant,
  order: StandingOrderView,
  isIt: (view: StandingOrderView) => boolean,
) => stage.world.until(async () => isIt(await show(tenant, order)), 48 * hour)
export const isEnded = ({ phase, job }: StandingOrderView) => phase === 'ended' && job === null
