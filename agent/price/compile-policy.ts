import {
  leaseKinds,
  priceUnits,
  runtimeKinds,
  type Address,
  type LeaseKind,
  type NanoUsd,
  type PriceUnit,
  type RuntimeKind,
} from '@muster/protocol'
import { minuteOf } from './local-time.ts'
import { other, type PolicyFile } from './policy-file.ts'
import type { AccessList, LeasePolicy, PricePolicy } from './price-policy.ts'
import { one } from './ratio.ts'

const defaultNoticeMs = 30_000

const pricesOf = (prices: Partial<Record<PriceUnit, NanoUsd | undefined>>): ReadonlyMap<PriceUnit, NanoUsd> =>
  new Map(
    priceUnits.flatMap((unit) => {
      const price = prices[unit]
      return price === undefined ? [] : [[unit, price]]
    }),
  )

const list = <Item>(allow: readonly Item[], deny: readonly Item[]): AccessList<Item> => ({
  allow: new Set(allow),
  deny: new Set(deny),
})

/** Written → compiled: what a pricing policy says, in base units. */
export const compilePolicy = (file: PolicyFile): PricePolicy => {
  const { resources, allow, deny } = file
  const { [other]: otherGpuHour, ...gpuHours } = resources.gpuHour
  const { [other]: otherMarkUp, ...markUp } = file.markUp
  return {
    timeZone: file.timeZone,
    resources: {
      coreHour: resources.coreHour,
      memoryGibHour: resources.memoryGiBHour,
      diskGibHour: resources.diskGiBHour,
      gpuHours: Object.entries(gpuHours).map(([name, nanoUsd]) => ({ name, nanoUsd })),
      otherGpuHour: otherGpuHour ?? null,
    },
    runtimes: new Map(
      runtimeKinds.flatMap((kind): [RuntimeKind, ReadonlyMap<PriceUnit, NanoUsd>][] => {
        const prices = file.runtimes[kind]
        return prices === undefined ? [] : [[kind, pricesOf(prices)]]
      }),
    ),
    utilisation: file.utilisation,
    times: file.times.map(({ days, from, to, factor }) => ({
      days: new Set(days),
      fromMinute: minuteOf(from),
      toMinute: minuteOf(to),
      factor,
    })),
    access: {
      markets: list(allow.markets, deny.markets),
      tenants: list(allow.tenants, deny.tenants),
      tenantRegions: list(allow.tenantRegions, deny.tenantRegions),
      runtimes: list(allow.runtimes, deny.runtimes),
    },
    leases: new Map(
      leaseKinds.flatMap((kind): [LeaseKind, LeasePolicy][] => {
        const lease = file.leases?.[kind]
        if (lease === undefined) return []
        const { factor, notice, min, max } = lease
        return [
          [kind, { factor, noticeMs: kind === 'spot' ? (notice ?? defaultNoticeMs) : null, minMs: min, maxMs: max }],
        ]
      }),
    ),
    markUp: new Map(Object.entries(markUp) as [Address, typeof one][]),
    otherMarkUp: otherMarkUp ?? one,
    minimum: pricesOf(file.minimum),
  }
}
