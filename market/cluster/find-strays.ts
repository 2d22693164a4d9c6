import { MusterError, sleep, type LeaseId, type World } from '@muster/protocol'
import type { NodeRow } from '../store/node-store.ts'
import type { Hop } from './hop/hop.ts'

export interface FindStraysModules {
  readonly world: World
  readonly hop: Hop
  readonly others: () => readonly NodeRow[]
  readonly isSettled: () => boolean
  /** No other node can be there. */
  readonly isAlone: boolean
}

/** Those of the leases, which this node does not keep, that no node does. Rejects `unavailable` where that cannot be told now. */
export type FindStrays = (leases: readonly LeaseId[]) => Promise<readonly LeaseId[]>

const askMs = 2_000
/** Between two looks: longer than it takes from the death of a node until others have its jobs. */
const betweenMs = 10_000

const unsure = (): MusterError =>
  new MusterError({ code: 'unavailable', message: 'Not every node of the market says now what it keeps.' })

/**
 * Every node says twice, some time apart, that it keeps no such lease and has taken up all its jobs: so a lease whose job is on
 * its way from one node to another is none that nobody keeps.
 */
export const createFindStrays = ({ world, hop, others, isSettled, isAlone }: FindStraysModules): FindStrays => {
  const look = async (leases: readonly LeaseId[]): Promise<readonly LeaseId[]> => {
    const kept = new Set<LeaseId>()
    const nodes = others()
    if (!isSettled()) throw unsure()
    for (const answer of await Promise.all(nodes.map((node) => hop.call(node, 'keeps', { leases }, askMs)))) {
      if (!answer.isSettled) throw unsure()
      for (const lease of answer.kept) kept.add(lease)
    }
    if (!isSettled() || others() !== nodes) throw unsure()
    return leases.filter((lease) => !kept.has(lease))
  }
  return async (leases) => {
    if (leases.length === 0) return []
    const first = await look(leases)
    if (first.length === 0 || isAlone) return first
    await sleep(world, betweenMs)
    return look(first)
  }
}
