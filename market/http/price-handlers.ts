import { hourMs, type RouteName, type routes } from '@muster/protocol'
import type { Market } from '../market.ts'
import type { Handler } from './handler.ts'

type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<(typeof routes)[Name]> }

/** Handlers of what anyone may ask about prices, and of their audit. */
export const priceHandlers = (market: Market): Handlers<'priceIndex' | 'priceHistory' | 'auditPrices'> => {
  const { prices, world } = market.modules
  return {
    priceIndex: () => prices.desk.index(),
    priceHistory: ({ query }) => prices.desk.history(query),
    auditPrices: async ({ query: { hours } }) => {
      const found = await prices.keeper.audit({ from: world.now() - hours * hourMs, to: world.now() })
      return { ...found, wrong: [...found.wrong] }
    },
  }
}
