import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../digest/digest.ts'
import { exampleLease, exampleReservation } from '../vector/example-records.ts'
import type { AgreedAmendment } from './amendment.ts'
import {
  closeReasons,
  openLease,
  roundsLeft,
  stepLease,
  takesWork,
  type LeasePhase,
  type LeaseState,
  type LeaseStep,
} from './lease-state.ts'
import type { LeaseTerm } from './lease-term.ts'

const signature = '0x' as const
const start = exampleLease.startsAt
const hourMs = 3_600_000

const open = (term?: LeaseTerm): LeaseState =>
  openLease(
    { record: { ...exampleLease, paidUntil: start + hourMs, ...(term === undefined ? {} : { term }) }, signature },
    { record: exampleReservation, signature },
  )

const terms: readonly (LeaseTerm | undefined)[] = [
  undefined,
  { kind: 'on-demand', termMs: hourMs },
  { kind: 'spot', termMs: hourMs, noticeMs: 60_000 },
  { kind: 'reserved', termMs: hourMs },
]

const amendment = (state: LeaseState, change: Partial<AgreedAmendment['record']>): AgreedAmendment => ({
  record: {
    kind: 'amendment',
    market: exampleLease.market,
    provider: exampleLease.provider,
    job: exampleLease.job,
    lease: digestOf(state.lease.record),
    number: state.amendments.length + 1,
    slots: state.slots,
    until: state.until,
    price: exampleLease.price,
    issuedAt: start,
    ...change,
  },
  provider: signature,
  market: signature,
})

const table: Record<LeasePhase, Partial<Record<LeaseStep['type'], LeasePhase>>> = {
  open: { suspected: 'suspect', noticed: 'open', amended: 'open', closed: 'closed' },
  suspect: { recovered: 'open', noticed: 'suspect', closed: 'closed' },
  closed: {},
}

/** What a lease was promised, told by somebody who only hears what happens. */
interface Model {
  phase: LeasePhase
  slots: number
  until: number
  endsAt: number | null
  takesWork: boolean
  isBroken: boolean
  amendments: number
}

interface Real {
  state: LeaseState
  now: number
}

const slackMs = 1_000

const promised = (model: Model, term: LeaseTerm | undefined, now: number): number => {
  if (term === undefined || term.kind === 'on-demand') return 0
  if (term.kind === 'reserved') return model.until
  return Math.min(model.until, model.endsAt ?? model.until, now + (term.noticeMs ?? 0))
}

const check = (model: Model, { state, now }: Real): void => {
  expect(state.phase).toBe(model.phase)
  expect(state.slots).toBe(model.slots)
  expect(state.until).toBe(model.until)
  expect(state.notice?.endsAt ?? null).toBe(model.endsAt)
  expect(state.isBroken).toBe(model.isBroken)
  expect(state.amendments).toHaveLength(model.amendments)
  expect(takesWork(state, now)).toBe(model.phase === 'open' && model.endsAt === null && now < model.until)
  const rounds = roundsLeft(state, now, 10_000)
  if (takesWork(state, now)) expect(rounds).toBe(Infinity)
  else if (rounds > 0) {
    expect(model.takesWork).toBe(true)
    expect(now + rounds * 10_000).toBeLessThanOrEqual(model.endsAt ?? 0)
  }
}

/** Takes the step on both sides; one that the table does not have is refused and changes nothing. */
const take = (model: Model, real: Real, step: LeaseStep, after: () => void): void => {
  const before = real.state
  if (table[model.phase][step.type] === undefined) {
    expect(() => stepLease(before, step)).toThrow(expect.objectContaining({ code: 'transition_refused' }))
    expect(real.state).toEqual(before)
  } else {
    real.state = stepLease(before, step)
    model.phase = table[model.phase][step.type] ?? model.phase
    after()
  }
  check(model, real)
}

const commandsOf = (term: LeaseTerm | undefined) => {
  const command = (name: string, run: (model: Model, real: Real) => void): fc.Command<Model, Real> => ({
    check: () => true,
    run,
    toString: () => name,
  })
  const wait = fc.nat({ max: hourMs }).map((ms) =>
    command(`wait ${ms}`, (model, real) => {
      real.now += ms
      check(model, real)
    }),
  )
  const jump = fc.nat({ max: hourMs }).map((ms) =>
    command(`the clock jumps back ${ms}`, (model, real) => {
      real.now = Math.max(start, real.now - ms)
      check(model, real)
    }),
  )
  const suspect = fc.constant(
    command('suspect', (model, real) => take(model, real, { type: 'suspected', at: real.now }, () => {})),
  )
  const recover = fc.constant(command('recover', (model, real) => take(model, real, { type: 'recovered' }, () => {})))
  const notice = fc
    .record({ inMs: fc.integer({ min: -hourMs, max: 2 * hourMs }), takesWork: fc.boolean() })
    .map(({ inMs, takesWork: takes }) =>
      command(`notice in ${inMs}`, (model, real) => {
        const endsAt = real.now + inMs
        take(model, real, { type: 'noticed', at: real.now, endsAt, takesWork: takes }, () => {
          const end = Math.max(real.now, Math.min(endsAt, model.until))
          if (model.endsAt !== null && end >= model.endsAt) return
          model.isBroken ||= end + slackMs < promised(model, term, real.now)
          model.endsAt = end
          model.takesWork = takes
        })
      }),
    )
  const amend = fc
    .record({
      longerMs: fc.integer({ min: -1_000, max: hourMs }),
      fewer: fc.integer({ min: -1, max: 1 }),
      number: fc.constantFrom(0, 1, 1, 1, 2),
      nanoUsd: fc.constantFrom(0n, 0n, 0n, 1n),
    })
    .map(({ longerMs, fewer, number, nanoUsd }) =>
      command(`amend ${longerMs} ${fewer} ${number} ${nanoUsd}`, (model, real) => {
        const { price } = exampleLease
        const agreed = amendment(real.state, {
          until: model.until + longerMs,
          slots: model.slots - fewer,
          number: model.amendments + number,
          price: { ...price, nanoUsd: price.nanoUsd + nanoUsd },
        })
        const isDue = model.phase === 'open' && model.endsAt === null && real.now < model.until
        const isRight = number === 1 && longerMs >= 0 && fewer >= 0 && nanoUsd === 0n
        const step: LeaseStep = { type: 'amended', at: real.now, amendment: agreed }
        if (isDue && isRight) {
          return take(model, real, step, () => {
            model.until += longerMs
            model.slots -= fewer
            model.amendments++
          })
        }
        expect(() => stepLease(real.state, step)).toThrow(expect.objectContaining({ code: 'transition_refused' }))
        check(model, real)
      }),
    )
  const close = fc.constantFrom(...closeReasons).map((reason) =>
    command(`close ${reason}`, (model, real) =>
      take(model, real, { type: 'closed', at: real.now, reason }, () => {
        if (reason === 'lost') model.isBroken ||= real.now + slackMs < promised(model, term, real.now)
      }),
    ),
  )
  return fc.commands([wait, jump, suspect, recover, notice, amend, close], { maxCommands: 30, size: 'max' })
}

describe('a lease', () => {
  test.each(terms.map((term) => [term?.kind ?? 'of before', term] as const))(
    'that is %s follows its table, keeps what was promised, and knows when that was broken',
    (_, term) => {
      fc.assert(
        fc.property(commandsOf(term), (commands) => {
          fc.modelRun(() => {
            const state = open(term)
            const { slots, paidUntil: until } = state.lease.record
            const none = { endsAt: null, takesWork: false, isBroken: false, amendments: 0 }
            return { model: { phase: 'open' as const, slots, until, ...none }, real: { state, now: start } }
          }, commands)
        }),
        { numRuns: 300 },
      )
    },
  )

  test('takes work until it is over', () => {
    expect(takesWork(open(), start + hourMs - 1)).toBe(true)
    expect(takesWork(open(), start + hourMs)).toBe(false)
  })

  const spot = open({ kind: 'spot', termMs: hourMs, noticeMs: 60_000 })
  const noticed = (state: LeaseState, at: number, inMs: number): LeaseState =>
    stepLease(state, { type: 'noticed', at, endsAt: at + inMs, takesWork: true })

  test('of spot that is ended with its notice keeps its term, and with less breaks it', () => {
    expect(noticed(spot, start, 60_000).isBroken).toBe(false)
    expect(noticed(spot, start, 58_000).isBroken).toBe(true)
    // What a message takes on its way is nobody's breach.
    expect(noticed(spot, start, 59_500).isBroken).toBe(false)
    expect(noticed(noticed(spot, start, 120_000), start + 60_000, 1_000).isBroken).toBe(true)
    expect(noticed(noticed(spot, start, 120_000), start + 30_000, 60_000).isBroken).toBe(false)
  })

  test('that is near its end may be ended at its end, whatever the notice', () => {
    expect(noticed(spot, start + hourMs - 10_000, 10_000).isBroken).toBe(false)
  })

  test('of spot that is lost breaks its term; on demand it does not', () => {
    const lost = (state: LeaseState) => stepLease(state, { type: 'closed', at: start + 1, reason: 'lost' }).isBroken
    expect([lost(spot), lost(open()), lost(open({ kind: 'reserved', termMs: hourMs }))]).toEqual([true, false, true])
  })

  test('under notice still takes what ends in time, where it is known how long that takes', () => {
    const state = noticed(spot, start, 60_000)
    expect(roundsLeft(state, start, 20_000)).toBe(3)
    expect(roundsLeft(state, start + 41_000, 20_000)).toBe(0)
    expect(roundsLeft(state, start, undefined)).toBe(0)
    const closed = stepLease(spot, { type: 'noticed', at: start, endsAt: start + 60_000, takesWork: false })
    expect(roundsLeft(closed, start, 20_000)).toBe(0)
  })

  test('is not amended by what is of another lease', () => {
    const other = amendment(spot, { lease: digestOf('another'), until: spot.until + 1 })
    expect(() => stepLease(spot, { type: 'amended', at: start, amendment: other })).toThrow(
      expect.objectContaining({ code: 'transition_refused' }),
    )
  })
})
