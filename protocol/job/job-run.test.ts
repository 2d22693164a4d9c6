import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toJson } from '../api/json.ts'
import type { AttemptPhase } from '../attempt/attempt.ts'
import { cidOf } from '../digest/cid.ts'
import { digestOf } from '../digest/digest.ts'
import { MusterError } from '../error/muster-error.ts'
import { toProblem } from '../error/problem.ts'
import { parseId, type LeaseId } from '../id/id.ts'
import { roundsLeft, takesWork } from '../lease/lease-state.ts'
import type { SignedResize } from '../order/resize.ts'
import type { TaskPhase } from '../task/task.ts'
import { exampleLeaseId, leaseOpened, submittedEvent } from '../vector/example-job.ts'
import { exampleAmendment, exampleResize } from '../vector/example-records.ts'
import { closingEvents } from './closing-events.ts'
import type { AttemptRef, JobEvent } from './job-event.ts'
import { replayJob, stepJob, type Job } from './job.ts'
import { exhaustedTasks } from './judge-task.ts'
import { nextDispatch } from './next-dispatch.ts'
import { slotsKept, slotsWanted } from './slots-wanted.ts'
import { describeEvent, timelineEventSchema } from './timeline.ts'

const claim = digestOf('claim')
const receipt = parseId('receipt', 'rcp_01K5KRN0M0ABCDEFGHJKMNPQRZ')
const outputs = [{ name: 'y', cid: cidOf(Uint8Array.of(1)) }]
const problem = toProblem(new MusterError({ code: 'program_crashed', message: 'The program crashed.' }))
const depth = 2
const expectedMs = 200

const kinds = [
  'open',
  'dispatch',
  'claim',
  'accept',
  'finalise',
  'overturn',
  'lose',
  'fail',
  'stop',
  'suspect',
  'recover',
  'notice',
  'amend',
  'resize',
  'close-lease',
  'cancel',
  'settle',
  'wait',
  'work',
  'wrong',
  'raw',
] as const

const wrongTypes = [
  'claimed',
  'accepted',
  'finalised',
  'overturned',
  'lost',
  'failed',
  'cancelled-attempts',
  'dispatched',
  'withdrawn',
  'lease-closed',
  'closed',
] as const

interface Command {
  readonly kind: (typeof kinds)[number]
  /** Which of the attempts or leases there are, as bits. */
  readonly mask: number
  readonly wrong: { readonly type: (typeof wrongTypes)[number]; readonly shift: number }
  readonly raw: JobEvent
}

const ref = fc.record({ index: fc.integer({ min: -1, max: 6 }), fence: fc.integer({ min: 0, max: 5 }) })
const refs = fc.array(ref, { minLength: 1, maxLength: 4 })
const lease = fc.nat({ max: 4 }).map(exampleLeaseId)
const raw: fc.Arbitrary<JobEvent> = fc.oneof(
  fc.record({
    type: fc.constantFrom('finalised', 'overturned', 'lost', 'cancelled-attempts'),
    at: fc.constant(0),
    attempts: refs,
  }),
  fc.record({ type: fc.constant('dispatched'), at: fc.constant(0), lease, attempts: refs }),
  fc.record({
    type: fc.constant('claimed'),
    at: fc.constant(0),
    attempts: refs.map((all) => all.map((each) => ({ ...each, claim }))),
  }),
  fc.record({
    type: fc.constant('accepted'),
    at: fc.constant(0),
    attempts: refs.map((all) => all.map((each) => ({ ...each, receipt, amount: 5n, outputs }))),
  }),
  fc.record({
    type: fc.constant('failed'),
    at: fc.constant(0),
    attempts: refs.map((all) => all.map((each) => ({ ...each, problem }))),
  }),
  fc.record({
    type: fc.constant('withdrawn'),
    at: fc.constant(0),
    tasks: refs.map((all) => all.map(({ index }) => index)),
  }),
  fc.record({ type: fc.constantFrom('lease-suspected', 'lease-recovered'), at: fc.constant(0), lease }),
  fc.record({ type: fc.constant('lease-closed'), at: fc.constant(0), lease, reason: fc.constant('lost') }),
  fc.constant({ type: 'closed', at: 0, outcome: 'succeeded', refund: 0n }),
  fc.constant(submittedEvent(1)),
) as fc.Arbitrary<JobEvent>

const command: fc.Arbitrary<Command> = fc.record({
  kind: fc.oneof(
    fc.constantFrom(...kinds),
    fc.constantFrom<Command['kind'][]>('open', 'dispatch', 'claim', 'accept', 'finalise', 'overturn'),
    fc.constantFrom<Command['kind'][]>('work', 'work', 'wrong'),
  ),
  mask: fc.oneof(fc.nat({ max: 255 }), fc.constant(255)),
  wrong: fc.record({ type: fc.constantFrom(...wrongTypes), shift: fc.constantFrom(0, 0, 0, -1, 1) }),
  raw,
})

/** What the events alone say, without the machines of tasks and leases. */
const recount = (events: readonly JobEvent[], tasks: number) => {
  const attempts = Array.from(
    { length: tasks },
    () => new Map<number, { phase: AttemptPhase; lease: LeaseId; amount: bigint }>(),
  )
  const ended = new Map<number, 'abandoned' | 'cancelled'>()
  const leases = new Map<LeaseId, 'open' | 'suspect' | 'closed'>()
  const accepts = new Map<number, number>()
  const payments = new Map<number, number>()
  const add = (to: Map<number, number>, index: number, by: number) => to.set(index, (to.get(index) ?? 0) + by)
  const set = (list: readonly AttemptRef[], phase: AttemptPhase) => {
    for (const { index, fence } of list) {
      const found = attempts[index]?.get(fence)
      if (found === undefined) throw new Error(`attempt ${index}.${fence} was never dispatched`)
      found.phase = phase
    }
  }
  for (const event of events) {
    if (event.type === 'lease-opened') leases.set(event.lease.record.id, 'open')
    if (event.type === 'lease-suspected') leases.set(event.lease, 'suspect')
    if (event.type === 'lease-recovered') leases.set(event.lease, 'open')
    if (event.type === 'lease-suspected') leases.set(event.lease, 'suspect')
    if (event.type === 'lease-recovered') leases.set(event.lease, 'open')
    if (event.type === 'lease-closed') leases.set(event.lease, 'closed')
    if (event.type === 'abandoned') for (const index of event.tasks) ended.set(index, 'abandoned')
    if (event.type === 'withdrawn') for (const index of event.tasks) ended.set(index, 'cancelled')
    if (event.type === 'claimed') set(event.attempts, 'claimed')
    if (event.type === 'lost') set(event.attempts, 'lost')
    if (event.type === 'failed') set(event.attempts, 'failed')
    if (event.type === 'cancelled-attempts') set(event.attempts, 'cancelled')
    if (event.type === 'dispatched') {
      expect(leases.get(event.lease)).toBe('open')
      for (const { index, fence } of event.attempts) {
        expect(fence).toBe((attempts[index]?.size ?? 0) + 1)
        attempts[index]?.set(fence, { phase: 'running', lease: event.lease, amount: 0n })
      }
    }
    if (event.type === 'accepted') {
      set(event.attempts, 'accepted')
      for (const { index, fence, amount } of event.attempts) {
        const found = attempts[index]?.get(fence)
        if (found !== undefined) found.amount = amount
        add(accepts, index, 1)
      }
    }
    if (event.type === 'overturned') {
      set(event.attempts, 'overturned')
      for (const { index } of event.attempts) add(accepts, index, -1)
    }
    if (event.type === 'finalised') {
      set(event.attempts, 'final')
      for (const { index } of event.attempts) add(payments, index, 1)
    }
  }
  const phases = attempts.map((all, index): TaskPhase => {
    const end = ended.get(index)
    if (end !== undefined) return end
    const live = [...all.values()].filter(({ phase }) => ['running', 'claimed', 'accepted', 'final'].includes(phase))
    expect(live.length).toBeLessThanOrEqual(1)
    const phase = live[0]?.phase
    if (phase === 'accepted' || phase === 'final') return phase
    return phase === undefined ? 'waiting' : 'running'
  })
  return { attempts, phases, leases, accepts, payments }
}

const byNumber = (a: number, b: number): number => a - b

const check = (job: Job, events: readonly JobEvent[]): void => {
  const { attempts, phases, leases, accepts, payments } = recount(events, job.tasks.length)
  const counts = { waiting: 0, running: 0, accepted: 0, final: 0, abandoned: 0, cancelled: 0 }
  for (const phase of phases) counts[phase]++
  expect(job.counts).toEqual(counts)
  expect([...job.waiting].toSorted(byNumber)).toEqual([...phases.keys()].filter((index) => phases[index] === 'waiting'))
  for (const [id, set] of job.inFlight) {
    const held = attempts.flatMap((all, index) =>
      [...all.values()].some((each) => each.lease === id && (each.phase === 'running' || each.phase === 'claimed'))
        ? [index]
        : [],
    )
    expect([...set].toSorted(byNumber)).toEqual(held)
    if (leases.get(id) === 'closed') expect(held).toEqual([])
    expect(job.leases.get(id)?.phase === 'closed').toBe(leases.get(id) === 'closed')
  }
  if (job.closed !== null) expect([...leases.values()].every((phase) => phase === 'closed')).toBe(true)
  const all = attempts.flatMap((each) => [...each.values()])
  const sum = (...of: AttemptPhase[]) =>
    all.filter(({ phase }) => of.includes(phase)).reduce((total, { amount }) => total + amount, 0n)
  expect(job.charged).toBe(sum('accepted', 'final'))
  expect(job.paid).toBe(sum('final'))
  expect(job.paid).toBeLessThanOrEqual(job.charged)
  expect(job.charged).toBeLessThanOrEqual(job.spec.ceiling)
  for (const index of phases.keys()) {
    expect(accepts.get(index) ?? 0).toBeLessThanOrEqual(1)
    expect(payments.get(index) ?? 0).toBeLessThanOrEqual(1)
    if (job.closed !== null) expect(['final', 'abandoned', 'cancelled']).toContain(phases[index])
    const isKept = phases[index] === 'accepted' || phases[index] === 'final'
    expect(job.outputs.has(index)).toBe(isKept)
  }
}

const stateOf = (job: Job): string =>
  toJson([
    job.tasks,
    [...job.leases.values()],
    [...job.inFlight].map(([id, tasks]) => [id, [...tasks]]),
    [...job.waiting],
    job.counts,
    [...job.outputs],
    [...job.problems],
    [...job.amounts],
    job.charged,
    job.paid,
    job.slots,
    job.resizes,
    job.cancelRequested,
    job.unmatched,
    job.closed,
  ])

/** A market that does what the decision functions say and reports what its agents do. */
const createRun = (tasks: number, slots: number, maxFailures: number) => {
  const submitted = submittedEvent(tasks, slots, maxFailures)
  const events: JobEvent[] = [submitted]
  const job = stepJob(undefined, submitted)
  let now = 0
  let opened = 0

  const record = (event: JobEvent): void => {
    events.push(event)
    const shown = describeEvent(job, events.length, event)
    timelineEventSchema.parse(JSON.parse(toJson(shown)))
    check(job, events)
  }

  const apply = (event: JobEvent): void => {
    stepJob(job, event)
    record(event)
  }

  const attempt = (event: JobEvent): void => {
    const before = stateOf(job)
    try {
      stepJob(job, event)
    } catch (error) {
      expect(error).toBeInstanceOf(MusterError)
      expect(['transition_refused', 'attempt_fenced']).toContain(error instanceof MusterError && error.code)
      expect(stateOf(job)).toBe(before)
      return
    }
    record(event)
  }

  const attemptsIn = (...phases: AttemptPhase[]): (AttemptRef & { readonly lease: LeaseId })[] =>
    job.tasks.flatMap(({ attempts }, index) =>
      attempts
        .filter(({ phase }) => phases.includes(phase))
        .map(({ fence, lease: id }) => ({ index, fence, lease: id })),
    )

  const chosen = <Item>(items: readonly Item[], mask: number): Item[] =>
    items.filter((_, index) => ((mask >> (index % 8)) & 1) === 1)
  const named = ({ index, fence }: AttemptRef): AttemptRef => ({ index, fence })

  const applyTo = (list: readonly AttemptRef[], event: (attempts: AttemptRef[]) => JobEvent): void => {
    if (list.length > 0) apply(event(list.map(named)))
  }

  const claimed = (attempts: AttemptRef[]): JobEvent => ({
    type: 'claimed',
    at: now,
    attempts: attempts.map((each) => ({ ...each, claim })),
  })
  const accepted = (attempts: AttemptRef[]): JobEvent => ({
    type: 'accepted',
    at: now,
    attempts: attempts.map((each) => ({ ...each, receipt, amount: BigInt(1 + each.index * 10 + each.fence), outputs })),
  })
  const finalised = (attempts: AttemptRef[]): JobEvent => ({ type: 'finalised', at: now, attempts })
  const lost = (attempts: AttemptRef[]): JobEvent => ({ type: 'lost', at: now, attempts })
  const failed = (attempts: AttemptRef[]): JobEvent => ({
    type: 'failed',
    at: now,
    attempts: attempts.map((each) => ({ ...each, problem })),
  })
  const stopped = (attempts: AttemptRef[]): JobEvent => ({ type: 'cancelled-attempts', at: now, attempts })

  const open = (mask: number): void => {
    const wanted = slotsWanted(job, now)
    expect(wanted).toBeLessThanOrEqual(job.slots)
    if (wanted > 0) apply(leaseOpened(opened++, 1 + (mask % wanted), now + 500 + mask * 10, now))
  }

  const dispatch = (): void => {
    const proposed = nextDispatch(
      job,
      () => depth,
      now,
      () => expectedMs,
    )
    if (job.cancelRequested) expect(proposed).toEqual([])
    const kept = slotsKept(job, now)
    if (job.resizes.length > 0)
      expect([...kept.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(job.slots)
    const open = [...job.leases]
      .filter(([id, state]) => roundsLeft(state, now, expectedMs) > 0 && (kept.get(id) ?? 1) > 0)
      .map(([id]) => id)
    const failedOn = (index: number) =>
      job.tasks[index]?.attempts.filter(({ phase }) => phase === 'failed').map(({ lease: id }) => id) ?? []
    for (const { lease: id, attempts } of proposed) {
      for (const { index } of attempts) {
        const failures = failedOn(index)
        if (failures.includes(id)) expect(open.filter((each) => !failures.includes(each))).toEqual([])
      }
    }
    for (const event of proposed) {
      const state = job.leases.get(event.lease)
      if (state === undefined) throw new Error('dispatched to no lease')
      const endsAt = state.notice?.takesWork === true ? state.notice.endsAt : 0
      expect(takesWork(state, now) || (state.phase === 'open' && now + expectedMs <= endsAt)).toBe(true)
      expect(kept.get(event.lease)).not.toBe(0)
      apply(event)
      expect(job.inFlight.get(event.lease)?.size).toBeLessThanOrEqual(state.lease.record.slots * depth)
    }
  }

  const settle = (): void => {
    for (const event of exhaustedTasks(job, now)) apply(event)
    for (const event of closingEvents(job, now, () => expectedMs)) apply(event)
  }

  const closeLease = (id: LeaseId): void => {
    applyTo(
      attemptsIn('running', 'claimed').filter((each) => each.lease === id),
      lost,
    )
    attempt({ type: 'lease-closed', at: now, lease: id, reason: 'lost' })
  }

  const amend = (id: LeaseId, mask: number): void => {
    const state = job.leases.get(id)
    if (state === undefined) return
    const record = {
      ...exampleAmendment,
      lease: digestOf(state.lease.record),
      number: state.amendments.length + 1 + (mask % 7 === 0 ? 1 : 0),
      slots: Math.max(1, state.slots - (mask % 2)),
      until: state.until + mask - 20,
    }
    attempt({ type: 'lease-amended', at: now, lease: id, amendment: { record, provider: '0x', market: '0x' } })
  }

  const resized = (count: number): SignedResize => {
    const number = job.resizes.length + 1
    return { record: { ...exampleResize, order: digestOf(job.order.record), number, slots: count }, signature: '0x' }
  }

  const work = (mask: number): void => {
    open(mask)
    dispatch()
    applyTo(attemptsIn('running'), claimed)
    applyTo(chosen(attemptsIn('claimed'), mask), accepted)
  }

  const wrongEvent = (mask: number, { type, shift }: Command['wrong']): JobEvent => {
    const every = job.tasks.flatMap(({ attempts }, index) =>
      attempts.map(({ fence }) => ({ index, fence: fence + shift })),
    )
    const attempts = chosen(every, mask)
    const id = [...job.leases.keys()][mask % Math.max(1, job.leases.size)] ?? exampleLeaseId(99)
    switch (type) {
      case 'claimed':
        return claimed(attempts)
      case 'accepted':
        return accepted(attempts)
      case 'failed':
        return failed(attempts)
      case 'dispatched': {
        const from = shift === 0 ? [...job.tasks.keys()] : [...job.waiting]
        const next = from.map((index) => ({
          index,
          fence: (job.tasks[index]?.fence ?? 0) + 1 + shift,
        }))
        return { type, at: now, lease: id, attempts: chosen(next, mask) }
      }
      case 'withdrawn':
        return { type, at: now, tasks: chosen([...job.tasks.keys()], mask) }
      case 'lease-closed':
        return { type, at: now, lease: id, reason: 'returned' }
      case 'closed':
        return { type, at: now, outcome: 'succeeded', refund: 0n }
      default:
        return { type, at: now, attempts }
    }
  }

  const take = ({ kind, mask, wrong, raw: event }: Command): void => {
    const leases = chosen([...job.leases.keys()], mask)
    switch (kind) {
      case 'open':
        return open(mask)
      case 'dispatch':
        return dispatch()
      case 'claim':
        return applyTo(chosen(attemptsIn('running'), mask), claimed)
      case 'accept':
        return applyTo(chosen(attemptsIn('claimed'), mask), accepted)
      case 'finalise':
        return applyTo(chosen(attemptsIn('accepted'), mask), finalised)
      case 'overturn':
        return applyTo(chosen(attemptsIn('accepted'), mask), (attempts) => ({ type: 'overturned', at: now, attempts }))
      case 'lose':
        return applyTo(chosen(attemptsIn('running', 'claimed'), mask), lost)
      case 'fail':
        return applyTo(chosen(attemptsIn('running', 'claimed'), mask), failed)
      case 'stop':
        return applyTo(chosen(attemptsIn('running', 'claimed'), mask), stopped)
      case 'suspect':
        return leases.forEach((id) => attempt({ type: 'lease-suspected', at: now, lease: id }))
      case 'recover':
        return leases.forEach((id) => attempt({ type: 'lease-recovered', at: now, lease: id }))
      case 'notice':
        return leases.forEach((id) =>
          attempt({
            type: 'lease-noticed',
            at: now,
            lease: id,
            endsAt: now + mask * 10 - 300,
            takesWork: mask % 2 === 0,
          }),
        )
      case 'amend':
        return leases.forEach((id) => amend(id, mask))
      case 'resize':
        return attempt({ type: 'resized', at: now, resize: resized(1 + (mask % 5)) })
      case 'close-lease':
        return leases.forEach(closeLease)
      case 'cancel':
        return mask % 4 === 0 ? attempt({ type: 'cancel-requested', at: now }) : undefined
      case 'settle':
        return settle()
      case 'wait':
        now += mask * 10
        return
      case 'work':
        return work(mask)
      case 'wrong':
        return attempt(wrongEvent(mask, wrong))
      case 'raw':
        return attempt(event)
    }
  }

  const finish = (fates: readonly number[]): void => {
    for (let round = 0; job.closed === null; round++) {
      if (round > 40 * tasks) throw new Error(`a job of ${tasks} tasks did not end in ${round} rounds: ${stateOf(job)}`)
      const fate = fates[round % fates.length] ?? 0
      for (const { phase, lease: signed } of job.leases.values()) {
        const { id } = signed.record
        if (phase !== 'suspect') continue
        if (fate % 2 === 0) apply({ type: 'lease-recovered', at: now, lease: id })
        else closeLease(id)
      }
      open(fate)
      for (const event of exhaustedTasks(job, now)) apply(event)
      dispatch()
      if (job.cancelRequested) applyTo(attemptsIn('running', 'claimed'), stopped)
      applyTo(chosen(attemptsIn('running'), fate), failed)
      applyTo(chosen(attemptsIn('running'), fate >> 3), lost)
      applyTo(attemptsIn('running'), claimed)
      applyTo(attemptsIn('claimed'), accepted)
      applyTo(attemptsIn('accepted'), finalised)
      settle()
      now += 100
    }
  }

  return { job, events, take, finish }
}

test('no interleaving loses a task, accepts or pays one twice, or keeps a job from ending', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(command, { maxLength: 50, size: 'max' }),
      fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 8 }),
      (tasks, slots, maxFailures, commands, fates) => {
        const { job, events, take, finish } = createRun(tasks, slots, maxFailures)
        for (const each of commands) take(each)
        finish(fates)
        const { final, abandoned, cancelled } = job.counts
        expect(final + abandoned + cancelled).toBe(tasks)
        expect([...job.leases.values()].every(({ phase }) => phase === 'closed')).toBe(true)
        expect(job.paid).toBe(job.charged)
        const last = events.at(-1)
        if (last?.type !== 'closed') throw new Error('the last event of a job closes it')
        const byHand = last.refund === 0n
        if (!byHand) expect(last.refund).toBe(job.spec.ceiling - job.paid)
        if (!byHand) expect(last.outcome).toBe(abandoned > 0 ? 'failed' : cancelled > 0 ? 'cancelled' : 'succeeded')
        const replayed = replayJob(events)
        expect(replayed && stateOf(replayed)).toBe(stateOf(job))
        const before = stateOf(job)
        for (const { raw: event } of commands)
          expect(() => stepJob(job, event)).toThrow(expect.objectContaining({ code: 'transition_refused' }))
        expect(stateOf(job)).toBe(before)
      },
    ),
    { numRuns: 250 },
  )
})
