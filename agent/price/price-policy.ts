import type { Address, LeaseKind, NanoUsd, Price, PriceUnit, RuntimeKind, TenantId } from '@muster/protocol'
import type { Ratio } from './ratio.ts'

/** What an hour of a slot costs by what is in it, in nano-dollars. */
export interface ResourcePrices {
  readonly coreHour: NanoUsd
  readonly memoryGibHour: NanoUsd
  readonly diskGibHour: NanoUsd
  /** By words of the model's name; a model that fits none is not sold, unless `otherGpuHour` says what it costs. */
  readonly gpuHours: readonly { readonly name: string; readonly nanoUsd: NanoUsd }[]
  readonly otherGpuHour: NanoUsd | null
}

/** A corner of the utilisation curve: the factor at a share of slots sold (0 to 1). */
export interface CurvePoint {
  readonly sold: Ratio
  readonly factor: Ratio
}

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof weekdays)[number]

/** A factor at times of day, from one minute (of the wall clock of the policy's zone) up to another, over midnight where that is earlier. */
export interface TimeRule {
  /** The days on which the range begins. */
  readonly days: ReadonlySet<Weekday>
  readonly fromMinute: number
  readonly toMinute: number
  readonly factor: Ratio
}

/** Who is served: an empty `allow` allows everybody, and `deny` counts before it. */
export interface AccessList<Item> {
  readonly allow: ReadonlySet<Item>
  readonly deny: ReadonlySet<Item>
}

export interface Access {
  readonly markets: AccessList<Address>
  readonly tenants: AccessList<TenantId>
  readonly tenantRegions: AccessList<string>
  readonly runtimes: AccessList<RuntimeKind>
}

/** How leases of one kind are sold. */
export interface LeasePolicy {
  readonly factor: Ratio
  /** With which a spot lease is ended; nothing of the other kinds. */
  readonly noticeMs: number | null
  /** The shortest and the longest lease. */
  readonly minMs: number
  readonly maxMs: number
}

/** What a provider asks, of whom, when: a pricing policy, checked and in base units. */
export interface PricePolicy {
  /** IANA name of the zone whose wall clock `times` are of. */
  readonly timeZone: string
  readonly resources: ResourcePrices
  /** By runtime and unit: a runtime is sold in the units it has a price in. */
  readonly runtimes: ReadonlyMap<RuntimeKind, ReadonlyMap<PriceUnit, NanoUsd>>
  /** Ascending by `sold`; straight lines between, level outside. None: always 1. */
  readonly utilisation: readonly CurvePoint[]
  /** The kinds that are sold. None: on demand, of any length. */
  readonly leases: ReadonlyMap<LeaseKind, LeasePolicy>
  /** The first that is in force counts. */
  readonly times: readonly TimeRule[]
  readonly access: Access
  readonly markUp: ReadonlyMap<Address, Ratio>
  readonly otherMarkUp: Ratio
  readonly minimum: ReadonlyMap<PriceUnit, NanoUsd>
}

const everybody = { allow: new Set<never>(), deny: new Set<never>() }

/** A policy that asks the same of everybody at any time: one price for each runtime. */
export const flatPolicy = (prices: ReadonlyMap<RuntimeKind, Price>): PricePolicy => ({
  timeZone: 'UTC',
  resources: { coreHour: 0n, memoryGibHour: 0n, diskGibHour: 0n, gpuHours: [], otherGpuHour: 0n },
  runtimes: new Map([...prices].map(([runtime, { per, nanoUsd }]) => [runtime, new Map([[per, nanoUsd]])])),
  utilisation: [],
  times: [],
  leases: new Map(),
  access: { markets: everybody, tenants: everybody, tenantRegions: everybody, runtimes: everybody },
  markUp: new Map(),
  otherMarkUp: { numerator: 1n, denominator: 1n },
  minimum: new Map(),
})
