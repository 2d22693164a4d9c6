import {
  MusterError,
  orderOfRun,
  problemSchema,
  standingBackOffMs,
  toJson,
  toProblem,
  type ErrorCode,
  type StandingEvent,
} from '@muster/protocol'
import { jobOfOrder } from '../job/find-repeated.ts'
import { submitJob, type SubmitJobModules } from '../job/submit-job.ts'
import type { StoredStandingOrder } from '../store/standing-order-store.ts'
import type { PlaceModules } from './place-standing-order.ts'
import { restoreSpec } from './hidden-name.ts'

/** What became of a run that was decided on: an event of it, or `undefined` where that is not known yet, and it is to be tried again. */
export type MadeJob = StandingEvent | undefined

/** Nothing is known of what was written, or the supply was gone a moment later. */
const openCodes: ReadonlySet<ErrorCode> = new Set([
  'unavailable',
  'internal',
  'timeout',
  'stale_writer',
  'nothing_fits',
])

type Made = Extract<StandingEvent, { type: 'ran' }>

/** The job of the run that was decided on, where there is one: made by another node, or by this one before it crashed. */
export const findMade = async (
  { order, state: { run } }: StoredStandingOrder,
  { store, world }: Pick<SubmitJobModules, 'store' | 'world'>,
): Promise<Made | undefined> => {
  if (run === null || run.job !== null) return undefined
  const job = jobOfOrder(orderOfRun(order, run))
  const isMade = (await store.jobs.get(job))?.tenant === order.tenant
  return isMade ? { type: 'ran', at: world.now(), run: run.number, job } : undefined
}

/** Makes the job of the run that was decided on, once: its id follows from the run. */
export const makeJob = async (standing: StoredStandingOrder, modules: PlaceModules): Promise<MadeJob> => {
  const { store, world, names } = modules
  const { order, state } = standing
  const { run } = state
  if (run === null) return undefined
  const made = await findMade(standing, modules)
  if (made !== undefined) return made
  const tenant = await store.accounts.get(order.tenant)
  const spec = await restoreSpec(order, names)
  if (tenant === undefined || spec === undefined) return { type: 'ended', at: world.now(), reason: 'cancelled' }
  try {
    const call = { tenant, spec, order: order.orders[run.number - 1], idempotencyKey: orderOfRun(order, run) }
    return { type: 'ran', at: world.now(), run: run.number, job: await submitJob(call, modules) }
  } catch (error) {
    // What was refused here may have been made elsewhere, with the very money that is missing here.
    const other = await findMade(standing, modules)
    if (other !== undefined) return other
    if (!(error instanceof MusterError) || openCodes.has(error.code)) return undefined
    const at = world.now()
    const problem = problemSchema.parse(JSON.parse(toJson(toProblem(error))))
    return { type: 'held', at, run: run.number, problem, retryAt: at + standingBackOffMs(state.refusals + 1) }
  }
}
