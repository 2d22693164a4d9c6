import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseId } from '../id/id.ts'
import { exampleOrder, exampleSpec } from '../vector/example-records.ts'
import { isStanding, orderOfRun, planStandingOrder, standingBackOffMs } from './plan-standing-order.ts'
import {
  standingEventSchema,
  standingStateSchema,
  standingTermsSchema,
  type StandingEvent,
  type StandingState,
  type StandingTerms,
} from './standing-order.ts'
import { stepStandingOrder } from './step-standing-order.ts'
import { toJson } from '../api/json.ts'

const id = parseId('standing-order', 'sto_01K5KRN0M0ABCDEFGHJKMNPQRS')
const jobOf = (number: number) => parseId('job', `job_${String(number).padStart(26, '0')}`)
const spec = { ...exampleSpec, ceiling: 100n }
const at = 1_000

const begin = (terms: StandingTerms): StandingState => stepStandingOrder(terms, undefined, { type: 'placed', at })
const problem = { code: 'insufficient_funds', message: 'No.', facts: {}, fault: 'tenant', retry: 'never' } as const

const termsOf = fc.record({
  times: fc.option(fc.integer({ min: 1, max: 6 })),
  until: fc.integer({ min: at + 1, max: at + 60_000 }),
  cooldownMs: fc.integer({ min: 0, max: 5_000 }),
  atMost: fc.option(fc.bigInt({ min: 100n, max: 500n })),
})

/** What the world does to an order, step by step: time passes, supply comes or not, a job is refused, ends, costs. */
const happening = fc.record({
  passes: fc.integer({ min: 0, max: 4_000 }),
  fits: fc.boolean(),
  refuses: fc.boolean(),
  ends: fc.boolean(),
  costs: fc.bigInt({ min: 0n, max: 100n }),
})

/** Plays an order by its rule, as a market does: every event, with the time it was decided at. */
const play = (
  terms: StandingTerms,
  happenings: readonly { passes: number; fits: boolean; refuses: boolean; ends: boolean; costs: bigint }[],
) => {
  let state = begin(terms)
  let now = at
  const events: StandingEvent[] = []
  const write = (event: StandingEvent): void => {
    events.push(event)
    state = stepStandingOrder(terms, state, event)
  }
  for (const { passes, fits, refuses, ends, costs } of happenings) {
    now += passes
    const plan = planStandingOrder({ spec, terms }, state, now)
    if (plan.type === 'end') write({ type: 'ended', at: now, reason: plan.reason })
    if (plan.type === 'follow' && ends)
      write({
        type: 'finished',
        at: now,
        run: state.run?.number ?? 0,
        job: plan.job,
        outcome: 'succeeded',
        charged: costs,
      })
    if (plan.type !== 'match' || !fits) continue
    if (state.run === null) write({ type: 'decided', at: now, run: plan.run })
    if (refuses)
      write({ type: 'held', at: now, run: plan.run, problem, retryAt: now + standingBackOffMs(state.refusals + 1) })
    else write({ type: 'ran', at: now, run: plan.run, job: jobOf(plan.run) })
  }
  return { state, events, now }
}

describe('a standing order, whatever happens,', () => {
  const played = fc.tuple(termsOf, fc.array(happening, { maxLength: 60 }))

  test('runs no more often, no later and for no more than its terms say, one job at a time', () => {
    fc.assert(
      fc.property(played, ([terms, happenings]) => {
        const { events } = play(terms, happenings)
        const ran = events.filter(({ type }) => type === 'ran')
        expect(ran.length).toBeLessThanOrEqual(terms.times ?? Infinity)
        let open = 0
        let charged = 0n
        let endedAt = -Infinity
        for (const event of events) {
          if (event.type === 'decided') {
            expect(event.at).toBeLessThan(terms.until)
            expect(event.at).toBeGreaterThanOrEqual(endedAt + terms.cooldownMs)
            expect(charged + spec.ceiling).toBeLessThanOrEqual(terms.atMost ?? charged + spec.ceiling)
          }
          if (event.type === 'ran') expect(++open).toBe(1)
          if (event.type === 'finished') {
            open--
            charged += event.charged
            endedAt = event.at
          }
        }
      }),
    )
  })

  test('has runs numbered from 1, each made once, and the same order for each', () => {
    fc.assert(
      fc.property(played, ([terms, happenings]) => {
        const { events } = play(terms, happenings)
        expect(events.flatMap((event) => (event.type === 'ran' ? [event.run] : []))).toEqual(
          events.filter(({ type }) => type === 'ran').map((_, index) => index + 1),
        )
        let state = begin(terms)
        const orders = new Map<number, Set<string>>()
        for (const event of events) {
          state = stepStandingOrder(terms, state, event)
          if (state.run === null) continue
          const seen = orders.get(state.run.number) ?? new Set()
          orders.set(state.run.number, seen.add(orderOfRun({ id, orders: [] }, state.run)))
        }
        expect([...orders.values()].every(({ size }) => size === 1)).toBe(true)
        expect(new Set([...orders.values()].flatMap((seen) => [...seen])).size).toBe(orders.size)
      }),
    )
  })

  test('comes to an end, and says why', () => {
    fc.assert(
      fc.property(played, ([terms, happenings]) => {
        const { state, now } = play(terms, happenings)
        const rest = planStandingOrder({ spec, terms }, state, Math.max(now, terms.until))
        expect(['follow', 'end', 'nothing']).toContain(rest.type)
        if (rest.type === 'nothing') expect(isStanding(state)).toBe(false)
      }),
    )
  })

  test('is the fold of its events, and both are the same after JSON', () => {
    fc.assert(
      fc.property(played, ([terms, happenings]) => {
        const { state, events } = play(terms, happenings)
        const read = events.map((event) => standingEventSchema.parse(JSON.parse(toJson(event))))
        expect(read).toEqual(events)
        expect(read.reduce((now, event) => stepStandingOrder(terms, now, event), begin(terms))).toEqual(state)
        expect(standingStateSchema.parse(JSON.parse(toJson(state)))).toEqual(state)
        expect(state.version).toBe(events.length + 1)
      }),
    )
  })
})

describe('what does not follow is refused:', () => {
  const terms = standingTermsSchema.parse({ until: at + 10 })
  const decided: StandingEvent = { type: 'decided', at, run: 1 }
  const ran: StandingEvent = { type: 'ran', at, run: 1, job: jobOf(1) }
  const ended: StandingEvent = { type: 'ended', at, reason: 'cancelled' }
  const held: StandingEvent = { type: 'held', at, run: 1, problem, retryAt: at }
  const finished: StandingEvent = { type: 'finished', at, run: 1, job: jobOf(1), outcome: 'failed', charged: 0n }

  test.each<[string, readonly StandingEvent[], StandingEvent]>([
    ['a second beginning', [], { type: 'placed', at }],
    ['a run that is skipped', [], { type: 'decided', at, run: 2 }],
    ['a second decision', [decided], decided],
    ['a job of no decision', [], ran],
    ['a second job of a run', [decided, ran], { ...ran, job: jobOf(2) }],
    ['the end of another job', [decided, ran], { ...finished, job: jobOf(2) }],
    ['a refusal after the job', [decided, ran], held],
    ['a second end', [ended], ended],
    ['a decision after the end', [ended], decided],
  ])('%s', (_, before, event) => {
    const state = before.reduce((now, each) => stepStandingOrder(terms, now, each), begin(terms))
    expect(() => stepStandingOrder(terms, state, event)).toThrow('does not follow')
  })

  test('but a job that another node made of a decision counts, though the order ended meanwhile', () => {
    const state = [decided, ended, ran].reduce((now, each) => stepStandingOrder(terms, now, each), begin(terms))
    expect(isStanding(state)).toBe(true)
    expect(isStanding(stepStandingOrder(terms, state, finished))).toBe(false)
  })
})

test('a refused job is tried again after a minute, then half as often, and within the hour at the latest', () => {
  expect([1, 2, 3, 7, 50].map((refusals) => standingBackOffMs(refusals) / 60_000)).toEqual([1, 2, 4, 60, 60])
})

test('the order of a run is the one that was signed for it', () => {
  const orders = [{ record: exampleOrder, signature: '0x' as never }]
  expect(orderOfRun({ id, orders }, { number: 1, decidedAt: at })).toBe(exampleOrder.id)
  expect(orderOfRun({ id, orders: [] }, { number: 1, decidedAt: at })).not.toBe(
    orderOfRun({ id, orders: [] }, { number: 2, decidedAt: at }),
  )
})
