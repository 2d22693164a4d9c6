import type { LeaseKind, Price, RuntimeKind } from '@muster/protocol'

/** One agent of a devnet: a machine that differs from the others in size, place and price. */
export interface AgentPlan {
  readonly name: string
  readonly region: string
  readonly country: string
  readonly slots: number
  readonly prices: Readonly<Partial<Record<RuntimeKind, Price>>>
  /** The kinds of lease it sells, as a price file has them; on-demand only where it is left out. */
  readonly leases?: Readonly<Partial<Record<LeaseKind, Readonly<Record<string, string | number>>>>>
}

const perOperator = (nanoUsd: bigint): Price => ({ nanoUsd, per: 'operator' })
const allKinds = { 'on-demand': {}, spot: { factor: 0.6, notice: '30s' }, reserved: { factor: 1.2, max: '168h' } }
const perTask = (nanoUsd: bigint): Price => ({ nanoUsd, per: 'task' })

/** The machines of the devnet that `npm start` brings up. */
export const fourAgents: readonly AgentPlan[] = [
  {
    name: 'attic',
    region: 'eu-central',
    country: 'DE',
    slots: 1,
    prices: { graph: perOperator(9n), noop: perTask(90n) },
  },
  {
    name: 'garage',
    region: 'us-east',
    country: 'US',
    slots: 2,
    prices: { graph: perOperator(11n), noop: perTask(110n) },
    leases: allKinds,
  },
  {
    name: 'campus',
    region: 'eu-north',
    country: 'SE',
    slots: 2,
    prices: { graph: perOperator(14n), noop: perTask(140n) },
  },
  {
    name: 'rack',
    region: 'ap-south',
    country: 'SG',
    slots: 1,
    prices: { graph: perOperator(21n), noop: perTask(210n) },
    leases: allKinds,
  },
]
