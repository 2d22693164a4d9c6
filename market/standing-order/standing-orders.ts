import {
  MusterError,
  isStanding,
  planStandingOrder,
  toProblem,
  type Address,
  type JobId,
  type Demand,
  type Log,
  type Problem,
  type StandingOrder,
  type StandingEvent,
  type StandingOrderId,
  type TenantId,
  type Timer,
  type World,
} from '@muster/protocol'
import type { Drain } from '../admin/drain.ts'
import type { PlaceModules } from './place-standing-order.ts'
import type { StoredStandingOrder } from '../store/standing-order-store.ts'
import { leaseTermMs } from '../lease/open-lease.ts'
import { advanceStandingOrder } from './advance-standing-order.ts'
import { explainWait } from './explain-wait.ts'
import { findMade, makeJob } from './make-job.ts'
import { promiseSlots, type PromiseSlotsModules } from './promise-slots.ts'

/** Makes jobs of standing orders: looks at them when slots come free, when a job of theirs ends, and now and then. */
export interface StandingOrderDesk {
  /** One that was placed or changed at this node. */
  take(standing: StoredStandingOrder): void
  /** A job is over: it may be one of theirs. */
  jobClosed(job: JobId): void
  /** Ends one: it makes no more jobs. */
  cancel(standing: StoredStandingOrder): Promise<StoredStandingOrder>
  /** Why one that waits for supply does, as of the last look at it; `null` where it waits for something else or is yet to be looked at. */
  explain(id: StandingOrderId): Promise<Wait | null>
  /** Ends every one of a tenant. */
  cancelAll(tenant: TenantId): Promise<void>
  start(): void
}

export interface Wait {
  readonly problem: Problem
  readonly lookedAt: number
}

export interface StandingOrderDeskModules {
  readonly world: World
  readonly submit: PlaceModules
  readonly match: PromiseSlotsModules
  readonly drain: Pick<Drain, 'now' | 'requireOpen'>
  readonly isOver: () => boolean
  readonly log: Log
}

interface Watched {
  standing: StoredStandingOrder
  /** The supply it was last matched with in vain, and when: until that changes, another look soon finds nothing more. */
  lookedAt: { readonly version: number; readonly at: number } | undefined
  /** The slots that the last look in vain found free, and its wall-clock time. What was wrong is worked out for whoever asks, once. */
  vain: { readonly free: number; readonly at: number; problem?: Promise<Problem> } | undefined
  /** When the store was last asked whether its job is over. */
  readAt: number
}

/** After slots came free: what comes free together is looked at together, and the last jobs have their slots by then. */
const settleMs = 1_000
/** How often every one is looked at, whatever happened: other nodes take some, and write to these. */
const everyMs = 30_000
const pageOrders = 200
/** How far the clocks of nodes may differ. */
const skewMs = 600_000
/** Steps of one order in one look. */
const mostSteps = 8

export const createStandingOrderDesk = (modules: StandingOrderDeskModules): StandingOrderDesk => {
  const { world, submit, match, drain, isOver, log } = modules
  const { store, supply, jobs } = submit
  /** Oldest first. */
  const watched = new Map<StandingOrderId, Watched>()
  /** By the job under way. */
  const followed = new Map<JobId, Watched>()
  let readUpTo: number | undefined
  let readAt = -Infinity
  let isLooking = false
  let isDue = false
  let timer: { readonly at: number; readonly planned: Timer } | undefined

  const demandOf = ({ spec, execSpec }: StandingOrder): Demand => {
    const defaultTermMs = leaseTermMs({ order: { record: spec }, spec }, submit.leaseTermMs)
    return { ...spec, execSpec, defaultTermMs }
  }

  const take = (standing: StoredStandingOrder): void => {
    const { order, state } = standing
    const known = watched.get(order.id)
    if (known !== undefined && known.standing.state.version > state.version) return
    const job = known?.standing.state.run?.job ?? null
    if (job !== null && job !== state.run?.job) followed.delete(job)
    if (!isStanding(state)) return void watched.delete(order.id)
    if (known === undefined)
      watched.set(order.id, { standing, lookedAt: undefined, vain: undefined, readAt: -Infinity })
    else known.standing = standing
  }

  const write = async (at: Watched, events: readonly StandingEvent[]): Promise<boolean> => {
    const { standing, isWritten } = await advanceStandingOrder(at.standing, events, store)
    take(standing)
    at.standing = standing
    at.lookedAt = undefined
    at.vain = undefined
    at.readAt = -Infinity
    return isWritten
  }

  /** A job that was made counts, though the order was ended while it was being made. */
  const writeMade = async (at: Watched, event: StandingEvent): Promise<boolean> => {
    if (await write(at, [event])) return true
    const { run } = at.standing.state
    return event.type === 'ran' && run?.number === event.run && run.job === null && write(at, [event])
  }

  const isFresh = (looked: Watched['lookedAt']): boolean =>
    looked?.version === supply.version() && world.elapsed() - looked.at < everyMs

  /** A job that ended, or `undefined` while it goes on. */
  const endOf = async (job: JobId, run: number): Promise<StandingEvent | undefined> => {
    const row = await store.jobs.get(job)
    if (row === undefined || row.phase === 'active') return undefined
    return { type: 'finished', at: world.now(), run, job, outcome: row.phase, charged: row.charged }
  }

  /** Takes an order on by one step: whether there may be another. */
  const step = async (at: Watched, spoken: Map<Address, number>): Promise<boolean> => {
    const { order, state } = at.standing
    const plan = planStandingOrder(order, state, world.now())
    switch (plan.type) {
      case 'nothing':
        watched.delete(order.id)
        return false
      case 'wait':
        lookBy(plan.until - world.now())
        return false
      case 'follow': {
        followed.set(plan.job, at)
        if (jobs.get(plan.job) !== undefined || world.elapsed() - at.readAt < everyMs) return false
        at.readAt = world.elapsed()
        const end = await endOf(plan.job, state.run?.number ?? state.runs)
        return end !== undefined && (await write(at, [end]))
      }
      case 'end': {
        const made = await findMade(at.standing, submit)
        return write(at, [made ?? { type: 'ended', at: world.now(), reason: plan.reason }])
      }
      case 'match': {
        lookBy(order.terms.until - world.now())
        if (drain.now() !== null || isFresh(at.lookedAt)) return false
        at.lookedAt = { version: supply.version(), at: world.elapsed() }
        const made = await findMade(at.standing, submit)
        const free = made === undefined ? await promiseSlots(demandOf(order), spoken, match) : order.spec.slots
        at.vain = free < order.spec.slots ? { free, at: world.now() } : undefined
        if (at.vain !== undefined) return false
        if (state.run === null && !(await write(at, [{ type: 'decided', at: world.now(), run: plan.run }]))) return true
        const event = made ?? (await makeJob(at.standing, submit))
        if (event !== undefined) return writeMade(at, event)
        at.lookedAt = undefined
        return false
      }
    }
  }

  const consider = async (at: Watched, spoken: Map<Address, number>): Promise<void> => {
    try {
      for (let steps = 0; steps < mostSteps && !isOver(); steps++) if (!(await step(at, spoken))) return
    } catch (error) {
      at.lookedAt = undefined
      log.warn('could not look at a standing order; trying again', { order: at.standing.order.id, error })
    }
  }

  /** At the start every one that is open, later those that changed. */
  const read = async (): Promise<void> => {
    const before = world.now()
    for (let last: StoredStandingOrder | undefined; ;) {
      const page: readonly StoredStandingOrder[] =
        readUpTo === undefined
          ? await store.standingOrders.open({
              limit: pageOrders,
              ...(last === undefined ? {} : { after: last.order.id }),
            })
          : await store.standingOrders.changedSince({
              since: readUpTo - skewMs,
              limit: pageOrders,
              ...(last === undefined ? {} : { after: { updatedAt: last.state.updatedAt, id: last.order.id } }),
            })
      for (const standing of page) take(standing)
      last = page.at(-1)
      if (page.length < pageOrders) break
    }
    readUpTo = before
    readAt = world.elapsed()
  }

  const lookAll = async (): Promise<void> => {
    if (readUpTo === undefined || world.elapsed() - readAt >= everyMs) await read()
    const spoken = new Map<Address, number>()
    for (const at of watched.values()) {
      if (isOver()) return
      await consider(at, spoken)
    }
  }

  const look = async (): Promise<void> => {
    if (isLooking) {
      isDue = true
      return
    }
    isLooking = true
    isDue = false
    timer?.planned.cancel()
    timer = undefined
    try {
      await lookAll()
    } catch (error) {
      log.warn('could not look at the standing orders; trying again', { error })
    } finally {
      isLooking = false
      lookBy(isDue ? settleMs : everyMs)
    }
  }

  /** Looks in so many ms, or before. */
  const lookBy = (delayMs: number): void => {
    if (isOver()) return
    const at = world.elapsed() + Math.min(everyMs, Math.max(settleMs, delayMs))
    if (timer !== undefined && timer.at <= at) return
    timer?.planned.cancel()
    timer = { at, planned: world.after(at - world.elapsed(), () => void look()) }
  }

  const lookSoon = (): void => {
    if (isLooking) isDue = true
    else lookBy(settleMs)
  }

  const cancel = async (standing: StoredStandingOrder): Promise<StoredStandingOrder> => {
    for (let at = standing; ;) {
      if (at.state.ended !== null) return at
      const made = await findMade(at, submit)
      const ended: StandingEvent = { type: 'ended', at: world.now(), reason: 'cancelled' }
      const { standing: after, isWritten } = await advanceStandingOrder(
        at,
        made === undefined ? [ended] : [made, ended],
        store,
      )
      take(after)
      lookSoon()
      if (isWritten) return after
      at = after
    }
  }

  const drained = (): Wait | null => {
    try {
      drain.requireOpen()
      return null
    } catch (error) {
      if (error instanceof MusterError) return { problem: toProblem(error), lookedAt: world.now() }
      throw error
    }
  }

  const explain = async (id: StandingOrderId): Promise<Wait | null> => {
    const at = watched.get(id)
    if (at === undefined) return null
    const { order, state } = at.standing
    if (planStandingOrder(order, state, world.now()).type !== 'match') return null
    const { vain } = at
    if (vain === undefined) return drained()
    vain.problem ??= explainWait(demandOf(order), vain.free, submit).then(toProblem, toProblem)
    return drained() ?? { problem: await vain.problem, lookedAt: vain.at }
  }

  supply.onFreed(() => {
    if (watched.size > 0) lookSoon()
  })

  return {
    take: (standing) => {
      take(standing)
      lookSoon()
    },
    jobClosed: (job) => {
      const at = followed.get(job)
      if (at === undefined) return
      followed.delete(job)
      at.readAt = -Infinity
      lookSoon()
    },
    cancel,
    explain,
    cancelAll: async (tenant) => {
      for (let before: StandingOrderId | undefined; ;) {
        const page = await store.standingOrders.list({
          tenant,
          limit: pageOrders,
          ...(before === undefined ? {} : { before }),
        })
        for (const standing of page) await cancel(standing)
        before = page.at(-1)?.order.id
        if (page.length < pageOrders) return
      }
    },
    start: () => lookBy(settleMs),
  }
}
