import type { AgentPlan } from '../scenario/scenario.ts'
import type { Random } from '../world/random.ts'
import { byShare, logNormal } from './draw.ts'

const minuteMs = 60_000
const hourMs = 3_600_000

/** Work is sold by the operator; one takes this long on a machine of ordinary speed. */
export const operatorMs = 10_000

/** Whose machines they are. Where the figures come from: docs/guides/simulator.md. */
const owners = [
  { name: 'home', share: 0.5, usdPerHour: 0.008, slowness: 1.3, shape: 0.43, scaleMs: 28 * minuteMs, slots: [2, 4, 4] },
  { name: 'office', share: 0.3, usdPerHour: 0.012, slowness: 1, shape: 0.7, scaleMs: 8 * hourMs, slots: [4, 8] },
  {
    name: 'hosted',
    share: 0.2,
    usdPerHour: 0.017,
    slowness: 0.85,
    shape: 1,
    scaleMs: 240 * hourMs,
    slots: [8, 16, 32],
  },
] as const

export const regionsOfDay = [
  'eu-1',
  'eu-2',
  'eu-3',
  'us-1',
  'us-2',
  'us-3',
  'asia-1',
  'asia-2',
  'asia-3',
  'rest',
] as const

/** A machine, and how it comes and goes. */
export interface Machine {
  readonly plan: AgentPlan
  readonly owner: (typeof owners)[number]['name']
  /** Of its sessions, which are Weibull. */
  readonly shape: number
  readonly scaleMs: number
  /** Until a program of so many bytes is here and ready. */
  readonly bytesPerMs: number
}

const nanoUsd = 1e9

/** Machines of a large market: the cheap ones are slower and stay for a shorter time. */
export const makeMachines = (count: number, random: Random): Machine[] =>
  Array.from({ length: count }, (_, index): Machine => {
    const owner = byShare(random, owners)
    const stays = logNormal(random, 1, 0.7)
    // Who stays twice as long as others of the kind asks a tenth more.
    const usdPerHour = logNormal(random, owner.usdPerHour, 0.25) * stays ** 0.14
    const slots = random.pick(owner.slots)
    return {
      owner: owner.name,
      shape: owner.shape,
      scaleMs: owner.scaleMs * stays,
      bytesPerMs: logNormal(random, owner.name === 'hosted' ? 12_000 : 3_000, 0.8),
      plan: {
        name: `machine-${index}`,
        kind: 'real',
        startsAtMs: random.int(0, minuteMs),
        slots,
        priceNanoUsd: Math.max(1, Math.round(((usdPerHour * operatorMs) / hourMs) * nanoUsd)),
        pricePer: 'operator',
        runtimes: ['graph'],
        region: random.pick(regionsOfDay),
        skewMs: random.int(-1_000, 1_000),
        slowness: logNormal(random, owner.slowness, 0.2),
        journalDelayMs: 0,
        bondedSlots: slots,
        faults: [],
      },
    }
  })
