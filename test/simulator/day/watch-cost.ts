import type { Address, AttemptId, JobSpec } from '@muster/protocol'
import type { RunsWatch } from '../invariant/watch-runs.ts'

/** What went on in one hour, or with work of one length. Work is counted in operators, each of them `operatorMs` on a machine of ordinary speed. */
export interface CostTally {
  /** Runs that ended: well, or with their machine. */
  runs: number
  lost: number
  /** Tasks that were finished and accepted, and the operators in them. */
  tasks: number
  operators: number
  /** What receipts charge for them, in nano-dollars. */
  billed: number
  /** What all runs would have cost, each by the part of it that ran: those that were lost are work as well. */
  spent: number
  /** Slot time of runs that ended, and of those that were lost, in ms. */
  ranMs: number
  lostMs: number
}

export interface Quote extends CostKind {
  /** Of the whole run, in nano-dollars. */
  readonly price: number
  /** What the whole run takes here, in ms. */
  readonly wholeMs: number
}

/** By the hour in which it ended, and by the length of the work. */
export interface CostTallies {
  readonly hours: readonly CostTally[]
  readonly lengths: readonly CostTally[]
}

/** Work that is counted together. */
export interface CostKind {
  readonly award: JobSpec['award']
  /** Which of the lengths its program is of. */
  readonly length: number
}

export interface CostWatch {
  readonly runs: RunsWatch
  readonly awards: Readonly<Record<JobSpec['award'], CostTallies>>
  accepted(amount: bigint, operators: number, kind: CostKind): void
  /** Runs under way. */
  running(): number
}

const hourMs = 3_600_000

const emptyTally = (): CostTally => ({
  runs: 0,
  lost: 0,
  tasks: 0,
  operators: 0,
  billed: 0,
  spent: 0,
  ranMs: 0,
  lostMs: 0,
})

/** Counts what work costs, finished or lost, by the hour in which it ended; tells `runs` of everything as well. */
export const watchCost = (
  runs: RunsWatch,
  now: () => number,
  quoteOf: (provider: Address, attempt: AttemptId) => Quote,
): CostWatch => {
  const awards = {
    lowest: { hours: [] as CostTally[], lengths: [] as CostTally[] },
    effective: { hours: [] as CostTally[], lengths: [] as CostTally[] },
  }
  const running = new Map<Address, Map<AttemptId, number>>()
  let under = 0

  const at = (tallies: CostTally[], index: number): CostTally => {
    while (tallies.length <= index) tallies.push(emptyTally())
    return tallies[index] ?? emptyTally()
  }

  const talliesOf = ({ award, length }: CostKind): CostTally[] => {
    const { hours, lengths } = awards[award]
    return [at(hours, Math.floor(now() / hourMs)), at(lengths, length)]
  }

  const count = (provider: Address, attempt: AttemptId, since: number, isDone: boolean): void => {
    under--
    const quote = quoteOf(provider, attempt)
    const ranMs = now() - since
    for (const into of talliesOf(quote)) {
      into.runs++
      into.ranMs += ranMs
      into.spent += quote.price * Math.min(1, ranMs / quote.wholeMs)
      if (isDone) continue
      into.lost++
      into.lostMs += ranMs
    }
  }

  return {
    awards,
    running: () => under,
    accepted: (amount, operators, kind) => {
      for (const into of talliesOf(kind)) {
        into.tasks++
        into.operators += operators
        into.billed += Number(amount)
      }
    },
    runs: {
      ...runs,
      started: (provider, slots, attempt) => {
        const end = runs.started(provider, slots, attempt)
        const here = running.get(provider) ?? new Map<AttemptId, number>()
        running.set(provider, here.set(attempt, now()))
        under++
        return (isDone) => {
          end(isDone)
          const since = here.get(attempt)
          if (since === undefined || running.get(provider) !== here) return
          here.delete(attempt)
          count(provider, attempt, since, isDone)
        }
      },
      crashed: (provider) => {
        for (const [attempt, since] of running.get(provider) ?? []) count(provider, attempt, since, false)
        running.delete(provider)
        runs.crashed(provider)
      },
    },
  }
}
