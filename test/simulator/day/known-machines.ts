import { newId, type Address, type Cid, type Observation, type World } from '@muster/protocol'
import type { Random } from '../world/random.ts'
import { churnModel } from './churn.ts'
import { exponential, logNormal, weibull } from './draw.ts'
import type { Machine } from './make-machines.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const knownDays = 30
/** Leases of each machine in that time. */
const leases = 40
const leaseMs = hourMs / 2

interface Session {
  readonly from: number
  readonly to: number
}

const sessionsOf = ({ shape, scaleMs }: Machine, random: Random): Session[] => {
  const sessions: Session[] = []
  for (let at = 0; at < knownDays * dayMs;) {
    const to = at + weibull(random, shape, scaleMs)
    sessions.push({ from: at, to })
    at = to + churnModel.leastOutageMs + exponential(random, churnModel.outageMs)
  }
  return sessions
}

/** A moment at which the machine is up, each as likely as any other. */
const momentOf = (sessions: readonly Session[], random: Random): { readonly at: number; readonly left: number } => {
  while (true) {
    const at = random.between(0, knownDays * dayMs)
    const session = sessions[lastBefore(sessions, at)]
    if (session !== undefined && at < session.to) return { at, left: session.to - at }
  }
}

const lastBefore = (sessions: readonly Session[], at: number): number => {
  let [low, high] = [0, sessions.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sessions[middle]?.from ?? Infinity) <= at) low = middle + 1
    else high = middle
  }
  return low - 1
}

/**
 * What a market that knows its machines for a month has seen of one: leases that began at any time at which it was up, and
 * ended in their time or with its session, as the same distributions have it that the day is drawn from.
 */
export const observationsOf = (
  machine: Machine,
  provider: Address,
  programs: readonly { readonly id: Cid; readonly medianMs: number }[],
  world: World,
  random: Random,
): Observation[] => {
  const sessions = sessionsOf(machine, random)
  const until = world.now()
  return Array.from({ length: leases }, (): Observation => {
    const { at, left } = momentOf(sessions, random)
    const lasts = logNormal(random, leaseMs, 0.8)
    const isLost = left < lasts
    const program = random.pick(programs)
    const factor = logNormal(random, machine.plan.slowness, 0.1)
    return {
      id: newId(world, 'lease'),
      provider,
      at: Math.round(until - knownDays * dayMs + at),
      program: program.id,
      honoured: 1,
      refused: 0,
      exposureMs: Math.round(Math.min(left, lasts)),
      outages: isLost ? 1 : 0,
      succeeded: isLost ? 0 : 1,
      failed: 0,
      matched: 0,
      mismatched: 0,
      durationMs: isLost ? null : program.medianMs * factor,
      startMs: null,
      durationFactor: isLost ? null : factor,
      startFactor: null,
    }
  }).toSorted((a, b) => a.at - b.at)
}
