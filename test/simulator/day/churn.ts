import type { AgentProcess } from '../process/agent-process.ts'
import type { Random } from '../world/random.ts'
import type { Timeline } from '../world/timeline.ts'
import { exponential, weibull } from './draw.ts'
import type { Machine } from './make-machines.ts'

/** Where the figures come from: docs/guides/simulator.md. */
export const churnModel = {
  /** Mean of what a machine is away, exponential. */
  outageMs: 600_000,
  /** Mean time between two outages of a region, exponential. */
  betweenRegionOutagesMs: 8 * 3_600_000,
  /** The machines of the region that go with it. */
  regionShare: { home: 0.5, office: 0.5, hosted: 0.1 },
  /** After it they come back over this long. */
  regionBackMs: 120_000,
  /** Until the owner starts again what ended by itself. */
  leastOutageMs: 5_000,
} as const

export interface RegionOutage {
  readonly region: string
  readonly fromMs: number
  readonly toMs: number
  readonly machines: number
}

export interface Churn {
  /** Sessions that ended, in ms. */
  readonly sessions: readonly number[]
  /** Outages, in ms. */
  readonly outages: readonly number[]
  readonly regionOutages: readonly RegionOutage[]
  /** Machines that are up. */
  up(): number
  /** Slots of these. */
  upSlots(): number
  /** From now on nobody goes. */
  calm(): void
}

interface Place {
  readonly machine: Machine
  readonly process: AgentProcess
  readonly random: Random
  upSince: number | undefined
  leaving: { cancel(): void } | undefined
}

/** Makes machines come and go: each for itself, and many of a region at once. */
export const startChurn = (
  machines: readonly { readonly machine: Machine; readonly process: AgentProcess }[],
  timeline: Timeline,
  random: Random,
): Churn => {
  const sessions: number[] = []
  const outages: number[] = []
  const regionOutages: RegionOutage[] = []
  let isCalm = false
  let up = 0
  let upSlots = 0

  const begin = (place: Place): void => {
    place.upSince = timeline.now()
    up++
    upSlots += place.machine.plan.slots
    const { shape, scaleMs } = place.machine
    place.leaving = timeline.after(weibull(place.random, shape, scaleMs), () => {
      if (!isCalm) leave(place, churnModel.leastOutageMs + exponential(place.random, churnModel.outageMs))
    })
  }

  const leave = (place: Place, awayMs: number): void => {
    if (place.upSince === undefined) return
    sessions.push(timeline.now() - place.upSince)
    outages.push(awayMs)
    place.upSince = undefined
    place.leaving?.cancel()
    up--
    upSlots -= place.machine.plan.slots
    place.process.crash(awayMs)
    timeline.after(awayMs, () => begin(place))
  }

  const places = machines.map(({ machine, process }): Place => {
    const place: Place = {
      machine,
      process,
      random: random.fork(machine.plan.name),
      upSince: undefined,
      leaving: undefined,
    }
    timeline.after(machine.plan.startsAtMs, () => {
      process.start()
      begin(place)
    })
    return place
  })

  const strike = (region: string, here: readonly Place[], drawn: Random): void => {
    const lastsMs = churnModel.leastOutageMs + exponential(drawn, churnModel.outageMs)
    let count = 0
    for (const place of here) {
      if (place.upSince === undefined || !drawn.chance(churnModel.regionShare[place.machine.owner])) continue
      count++
      leave(place, lastsMs + drawn.between(0, churnModel.regionBackMs))
    }
    regionOutages.push({ region, fromMs: timeline.now(), toMs: timeline.now() + lastsMs, machines: count })
  }

  for (const [region, here] of Map.groupBy(places, ({ machine }) => machine.plan.region)) {
    const drawn = random.fork(region)
    const next = (): void => {
      timeline.after(exponential(drawn, churnModel.betweenRegionOutagesMs), () => {
        if (isCalm) return
        strike(region, here, drawn)
        next()
      })
    }
    next()
  }

  return {
    sessions,
    outages,
    regionOutages,
    up: () => up,
    upSlots: () => upSlots,
    calm: () => {
      isCalm = true
    },
  }
}
