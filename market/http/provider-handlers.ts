import {
  MusterError,
  credibility,
  describeRecord,
  expectRefusal,
  expectReliability,
  machineStanding,
  type RouteName,
  type routes,
} from '@muster/protocol'
import type { Market } from '../market.ts'
import { mostObservations, unknownRecord } from '../provider/keep-records.ts'
import type { Handler } from './handler.ts'

type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<(typeof routes)[Name]> }

const newestShown = 20

/** Handlers of what anyone may ask about providers and their records. */
export const providerHandlers = (market: Market): Handlers<'listProviders' | 'providerRecord'> => {
  const { store, supply, benchmarks, records, world } = market.modules

  return {
    listProviders: async ({ query: { limit, after } }) => {
      const rows = await store.providers.list({ limit, ...(after === undefined ? {} : { after }) })
      const addresses = rows.map(({ address }) => address)
      const [known, measured] = await Promise.all([records.look(addresses), benchmarks.standingsOf(addresses)])
      const now = world.now()
      const providers = rows.map(({ address: provider, lastSeenAt }) => {
        const { record, observations } = known.get(provider) ?? unknownRecord
        return {
          provider,
          linked: supply.peer(provider) !== undefined,
          lastSeenAt: Math.max(lastSeenAt, market.heardAt(provider) ?? 0),
          observations,
          refusal: expectRefusal(record, now),
          ...expectReliability(record, now),
          gflops: measured.get(provider)?.gflops ?? null,
          reproduces: measured.get(provider)?.reproduces ?? null,
        }
      })
      return { providers }
    },
    providerRecord: async ({ params: { provider } }) => {
      const row = await store.providers.get(provider)
      if (row === undefined)
        throw new MusterError({ code: 'not_found', message: 'No such provider was ever linked.', facts: { provider } })
      const { record, observations } = await records.read(provider)
      const shown = await benchmarks.read(provider)
      const now = world.now()
      return {
        provider,
        linked: supply.peer(provider) !== undefined,
        firstSeenAt: row.firstSeenAt,
        lastSeenAt: Math.max(row.lastSeenAt, market.heardAt(provider) ?? 0),
        computedAt: now,
        maintenance: [...supply.maintenanceOf(provider)],
        credibility,
        observations: observations.length,
        mostObservations,
        figures: describeRecord(record, now),
        newest: observations.slice(0, newestShown),
        machine: machineStanding(shown) ?? null,
        benchmarks: shown.slice(0, newestShown),
      }
    },
  }
}
