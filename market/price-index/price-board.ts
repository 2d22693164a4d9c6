import { createPriceDesk, type PriceDesk } from './price-desk.ts'
import { createPriceKeeper, type PriceKeeper, type PriceKeeperModules } from './price-keeper.ts'

/** Prices as they are kept, and as they are published. */
export interface PriceBoard {
  readonly keeper: PriceKeeper
  readonly desk: PriceDesk
}

export const createPriceBoard = (modules: PriceKeeperModules): PriceBoard => ({
  keeper: createPriceKeeper(modules),
  desk: createPriceDesk(modules),
})
