import { mostMaintenance, runsInto, type Maintenance, type World } from '@muster/protocol'

/** When this machine is not to be had, as its owner says now. */
export interface MaintenancePlan {
  /** Windows that are not over, the soonest first; as many as an offer announces. */
  windows(): readonly Maintenance[]
  /** The first window that a span of time from now on runs into. */
  meets(untilMs: number): Maintenance | undefined
  isUnder(): boolean
  /** Puts these in the place of all but those of the options. */
  exchange(windows: readonly Maintenance[]): void
}

/** Windows that touch or overlap are one. */
const join = (windows: readonly Maintenance[]): Maintenance[] => {
  const joined: Maintenance[] = []
  for (const { from, until } of windows.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last !== undefined && from <= last.until)
      joined[joined.length - 1] = { from: last.from, until: Math.max(last.until, until) }
    else joined.push({ from, until })
  }
  return joined
}

export const createMaintenancePlan = (
  fixed: readonly Maintenance[],
  { world }: { readonly world: Pick<World, 'now'> },
): MaintenancePlan => {
  let planned = join(fixed)
  const windows = (): readonly Maintenance[] => {
    if (planned.length === 0) return planned
    const now = world.now()
    return planned.filter(({ until }) => until > now).slice(0, mostMaintenance)
  }
  const meets = (untilMs: number): Maintenance | undefined => {
    const now = world.now()
    return runsInto(windows(), now, now + Math.max(1, untilMs))
  }
  return {
    windows,
    meets,
    isUnder: () => meets(1) !== undefined,
    exchange: (given) => {
      planned = join([...fixed, ...given])
    },
  }
}
