import type { JobView } from '@muster/sdk'
import { shorten } from '../format/format-record.ts'
import { formatDuration } from '../format/format-duration.ts'
import { renderTable } from '../terminal/render-table.ts'
import type { Style } from '../terminal/style.ts'
import type { HeldLease, LeaseStanding } from './read-standing.ts'

const states: Readonly<Record<LeaseStanding, string>> = {
  open: 'takes work',
  suspected: 'out of reach; its work goes to others unless it comes back',
  noticed: 'wants its slots back; gets no new work',
}

const tasks = (count: number): string => `${count} ${count === 1 ? 'task' : 'tasks'}`
const tasksWait = (count: number): string => `${tasks(count)} ${count === 1 ? 'waits' : 'wait'}`
const machines = (count: number): string => `${count} ${count === 1 ? 'machine' : 'machines'}`

const countMachines = (leases: readonly HeldLease[]): number => new Set(leases.map(({ provider }) => provider)).size

/** What an active job is waiting for, in one sentence. */
export const sayWait = (
  { counts, unmatched }: Pick<JobView, 'counts' | 'unmatched'>,
  leases: readonly HeldLease[],
  isCancelled: boolean,
): string => {
  const { waiting, running, accepted } = counts
  const holders = countMachines(leases.filter(({ handedOut }) => handedOut > 0))
  const where = holders === 0 ? '' : ` at ${machines(holders)}`
  const handedOut = `${tasks(running)} handed out${where}`
  if (isCancelled) {
    return running > 0
      ? `It was cancelled, and waits for ${handedOut} to stop.`
      : 'It was cancelled, and is being closed.'
  }
  if (running > 0 && waiting > 0) {
    return `It is running: it waits for ${handedOut}; ${waiting} more ${waiting === 1 ? 'follows' : 'follow'} as slots come free.`
  }
  if (running > 0) return `It is running: it waits for ${handedOut}, the last of it.`
  if (waiting > 0 && leases.length > 0)
    return `${tasks(waiting)} will be handed out to ${machines(countMachines(leases))} next.`
  if (waiting > 0 && unmatched !== null)
    return `${tasksWait(waiting)} for an offer that fits; what is missing is below.`
  if (waiting > 0) return `${tasksWait(waiting)} for a machine: the market is asking for one.`
  if (accepted > 0) return `All work is in; ${tasksWait(accepted)} to become final.`
  return 'All work is done; it is being closed.'
}

/** Where the work of a job is: the machines it holds, what they were handed and for how long. */
export const showLeases = (
  leases: readonly HeldLease[],
  { style, width, now }: { readonly style: Style; readonly width: number; readonly now: number },
): string =>
  renderTable(
    [
      { title: 'provider' },
      { title: 'handed out', align: 'right' },
      { title: 'oldest for', align: 'right' },
      { title: 'the machine', isFlexible: true, wraps: true },
    ],
    leases.map(({ provider, state, handedOut, since }) => [
      shorten(provider),
      String(handedOut),
      since === null ? '–' : formatDuration(Math.max(0, now - since)),
      states[state],
    ]),
    { style, width },
  )
