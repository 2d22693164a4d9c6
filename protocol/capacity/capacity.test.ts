import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MusterError } from '../error/muster-error.ts'
import type { LeaseId, ReservationId } from '../id/id.ts'
import type { Resources } from '../resource/resources.ts'
import {
  freeCapacity,
  newCapacity,
  requireFree,
  slotsThatFit,
  stepCapacity,
  type Capacity,
  type CapacityEvent,
  type CapacityTotal,
} from './capacity.ts'

const total: CapacityTotal = {
  cpuMilli: 8000,
  memoryBytes: 64,
  diskBytes: 100,
  gpus: ['gpu-a', 'gpu-b', 'gpu-c', 'gpu-d'],
}
const reservationId = (number: number) => `rsv_${number}` as ReservationId
const leaseId = (number: number) => `lse_${number}` as LeaseId

const resources: fc.Arbitrary<Resources> = fc.record({
  cpuMilli: fc.constantFrom(1, 500, 1000, 4000, 9000),
  memoryBytes: fc.constantFrom(1, 8, 32),
  diskBytes: fc.constantFrom(0, 10),
  gpuCount: fc.constantFrom(0, 0, 1, 2),
})

type Command =
  | {
      readonly type: 'reserve'
      readonly id: number
      readonly slots: number
      readonly per: Resources
      readonly ttlMs: number
      readonly named: 'free' | 'all' | 'twice'
    }
  | { readonly type: 'lease'; readonly id: number; readonly ms: number }
  | { readonly type: 'amend'; readonly id: number; readonly fewer: number; readonly ms: number }
  | { readonly type: 'release'; readonly id: number }
  | { readonly type: 'wait'; readonly ms: number }

const id = fc.nat({ max: 9 })
const ms = fc.integer({ min: 1, max: 100 })
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    type: fc.constant('reserve' as const),
    id,
    slots: fc.constantFrom(1, 1, 2, 3, 8, 0, -1),
    per: resources,
    ttlMs: ms,
    named: fc.constantFrom('free' as const, 'free' as const, 'all' as const, 'twice' as const),
  }),
  fc.record({ type: fc.constant('lease' as const), id, ms }),
  fc.record({ type: fc.constant('amend' as const), id, fewer: fc.constantFrom(0, 1, -1), ms }),
  fc.record({ type: fc.constant('release' as const), id }),
  fc.record({ type: fc.constant('wait' as const), ms }),
)

interface Sold {
  readonly per: Resources
  readonly slots: number
  readonly gpus: readonly string[]
  readonly lease: boolean
  readonly until: number
}

/** What a reader of the answers alone would say is sold: the book must never answer more than the machine has. */
const requireWithinMachine = (sold: ReadonlyMap<number, Sold>, now: number): void => {
  const held = [...sold.values()].filter(({ until }) => until > now)
  const sum = (of: (each: Resources) => number) => held.reduce((so, { slots, per }) => so + slots * of(per), 0)
  expect(held.every(({ slots }) => slots >= 1)).toBe(true)
  expect(sum(({ cpuMilli }) => cpuMilli)).toBeLessThanOrEqual(total.cpuMilli)
  expect(sum(({ memoryBytes }) => memoryBytes)).toBeLessThanOrEqual(total.memoryBytes)
  expect(sum(({ diskBytes }) => diskBytes)).toBeLessThanOrEqual(total.diskBytes)
  const gpus = held.flatMap((each) => [...each.gpus])
  expect(new Set(gpus).size).toBe(gpus.length)
  expect(gpus.length).toBe(sum(({ gpuCount }) => gpuCount))
  expect(total.gpus).toEqual(expect.arrayContaining(gpus))
}

const fits = (sold: ReadonlyMap<number, Sold>, now: number, slots: number, per: Resources): boolean => {
  const held = [...sold.values()].filter(({ until }) => until > now)
  const left = (has: number, of: (each: Resources) => number) =>
    held.reduce((rest, each) => rest - each.slots * of(each.per), has) >= slots * of(per)
  return (
    left(total.cpuMilli, (each) => each.cpuMilli) &&
    left(total.memoryBytes, (each) => each.memoryBytes) &&
    left(total.diskBytes, (each) => each.diskBytes) &&
    left(total.gpus.length, (each) => each.gpuCount)
  )
}

const gpusNamed = (
  capacity: Capacity,
  { slots, per, named }: Extract<Command, { type: 'reserve' }>,
  now: number,
): string[] => {
  const count = Math.max(0, slots * per.gpuCount)
  const from = named === 'free' ? freeCapacity(capacity, now).gpus : total.gpus
  const gpus = from.slice(0, count)
  return named === 'twice' ? gpus.map(() => gpus[0] ?? '') : gpus
}

const attempt = (capacity: Capacity, event: CapacityEvent, now: number): Capacity | string => {
  try {
    return stepCapacity(capacity, event, now)
  } catch (error) {
    expect(error).toBeInstanceOf(MusterError)
    return error instanceof MusterError ? error.code : 'unknown'
  }
}

describe('a book of capacity', () => {
  test('sells no slot and no GPU twice, and refuses none that is free', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60, size: 'max' }), (commands) => {
        let capacity = newCapacity(total)
        let now = 1000
        const sold = new Map<number, Sold>()
        for (const each of commands) {
          const held = sold.get('id' in each ? each.id : -1)
          const isHeld = held !== undefined && held.until > now
          if (each.type === 'wait') now += each.ms
          else if (each.type === 'reserve') {
            const { slots, per } = each
            const gpus = gpusNamed(capacity, each, now)
            const until = now + each.ttlMs
            const holding = { reservation: reservationId(each.id), lease: null, slots, resources: per, gpus, until }
            const after = attempt(capacity, { type: 'reserved', holding }, now)
            if (typeof after === 'string') {
              expect(['capacity_taken', 'transition_refused']).toContain(after)
              if (!capacity.holdings.has(reservationId(each.id)) && slots >= 1 && each.named === 'free') {
                expect(fits(sold, now, slots, per)).toBe(false)
              }
            } else {
              expect(isHeld).toBe(false)
              expect(fits(sold, now, slots, per)).toBe(true)
              capacity = after
              sold.set(each.id, { per, slots, gpus, lease: false, until })
            }
          } else if (each.type === 'lease') {
            const until = now + each.ms
            const after = attempt(
              capacity,
              { type: 'leased', reservation: reservationId(each.id), lease: leaseId(each.id), until },
              now,
            )
            if (typeof after === 'string') {
              expect(after).toBe('reservation_expired')
              expect(isHeld && !held.lease).toBe(false)
            } else {
              expect(isHeld && !held.lease).toBe(true)
              capacity = after
              if (held !== undefined) sold.set(each.id, { ...held, lease: true, until })
            }
          } else if (each.type === 'amend') {
            const slots = (held?.slots ?? 1) - each.fewer
            const until = now + each.ms
            const after = attempt(capacity, { type: 'amended', reservation: reservationId(each.id), slots, until }, now)
            const isRight = isHeld && held.lease && slots >= 1 && slots <= held.slots
            if (typeof after === 'string') {
              expect(after).toBe('transition_refused')
              expect(isRight).toBe(false)
            } else {
              expect(isRight).toBe(true)
              capacity = after
              if (held !== undefined)
                sold.set(each.id, { ...held, slots, gpus: held.gpus.slice(0, slots * held.per.gpuCount), until })
            }
          } else {
            const after = attempt(capacity, { type: 'released', reservation: reservationId(each.id) }, now)
            if (typeof after === 'string') throw new Error(`a release was refused: ${after}`)
            capacity = after
            sold.delete(each.id)
          }
          requireWithinMachine(sold, now)
          const free = freeCapacity(capacity, now)
          const active = [...sold.values()].filter(({ until }) => until > now)
          expect(free.cpuMilli).toBe(
            active.reduce((rest, { slots, per }) => rest - slots * per.cpuMilli, total.cpuMilli),
          )
          expect(free.gpus).toHaveLength(total.gpus.length - active.flatMap(({ gpus }) => gpus).length)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('gives back everything once all is released or expired', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ slots: fc.constant(1), per: resources, ttlMs: ms }), { maxLength: 8 }),
        (wanted) => {
          let capacity = newCapacity(total)
          for (const [number, { slots, per, ttlMs }] of wanted.entries()) {
            if (slotsThatFit(freeCapacity(capacity, 0), per) < slots) continue
            const gpus = requireFree(capacity, slots, per, 0)
            const holding = {
              reservation: reservationId(number),
              lease: null,
              slots,
              resources: per,
              gpus,
              until: ttlMs,
            }
            capacity = stepCapacity(capacity, { type: 'reserved', holding }, 0)
          }
          expect(freeCapacity(capacity, 100)).toEqual(total)
          const released = [...capacity.holdings.keys()].reduce(
            (book, reservation) => stepCapacity(book, { type: 'released', reservation }, 0),
            capacity,
          )
          expect(freeCapacity(released, 0)).toEqual(total)
        },
      ),
    )
  })

  const per = { cpuMilli: 8000, memoryBytes: 1, diskBytes: 0, gpuCount: 0 }
  const whole = (number: number, until: number) =>
    ({
      type: 'reserved',
      holding: { reservation: reservationId(number), lease: null, slots: 1, resources: per, gpus: [], until },
    }) as const

  test('holds a reservation up to its last millisecond and frees it at once after', () => {
    const reserved = stepCapacity(newCapacity(total), whole(1, 100), 0)
    expect(() => stepCapacity(reserved, whole(2, 200), 99)).toThrow(expect.objectContaining({ code: 'capacity_taken' }))
    expect(stepCapacity(reserved, whole(2, 200), 100).holdings.size).toBe(1)
  })

  test('does not bring an expired reservation back when the clock steps back', () => {
    const reserved = stepCapacity(newCapacity(total), whole(1, 100), 0)
    const resold = stepCapacity(reserved, whole(2, 200), 150)
    const lease: CapacityEvent = { type: 'leased', reservation: reservationId(1), lease: leaseId(1), until: 500 }
    expect(() => stepCapacity(resold, lease, 50)).toThrow(expect.objectContaining({ code: 'reservation_expired' }))
  })

  test('changes nothing in the book before it', () => {
    const empty = newCapacity(total)
    stepCapacity(empty, whole(1, 100), 0)
    expect(empty.holdings.size).toBe(0)
  })

  test('says how many slots were left', () => {
    const wanted = { cpuMilli: 3000, memoryBytes: 1, diskBytes: 0, gpuCount: 0 }
    expect(() => requireFree(newCapacity(total), 3, wanted, 0)).toThrow(
      expect.objectContaining({ code: 'capacity_taken', facts: { expected: 3, found: 2 } }),
    )
  })

  test.each([0, -1, 1.5, Number.NaN])('sells no %s slots', (slots) => {
    expect(() => requireFree(newCapacity(total), slots, per, 0)).toThrow(
      expect.objectContaining({ code: 'transition_refused' }),
    )
  })
})
