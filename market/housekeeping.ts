import type { Log, World } from '@muster/protocol'
import type { FundsWatch } from './account/watch-funds.ts'
import type { BenchmarkDesk } from './benchmark/benchmark-desk.ts'
import { collectBlobs, type CollectBlobsModules } from './blob/collect-blobs.ts'
import type { MarketOptions } from './options.ts'
import type { Names } from './personal/names.ts'
import type { PriceBoard } from './price-index/price-board.ts'
import type { ProviderRecords } from './provider/provider-records.ts'
import type { Store } from './store/store.ts'

export interface HousekeepingModules extends CollectBlobsModules {
  readonly world: World
  readonly store: Store
  readonly records: Pick<ProviderRecords, 'prune'>
  readonly prices: PriceBoard
  readonly benchmarks: Pick<BenchmarkDesk, 'prune'>
  readonly names: Pick<Names, 'dropOfClosed'>
  readonly funds: Pick<FundsWatch, 'lookAtAll'>
  readonly log: Log
}

type HousekeepingOptions = Pick<
  MarketOptions,
  'cleanEveryMs' | 'keepJobBlobsMs' | 'keepNamesMs' | 'keepTranscriptsMs' | 'keepBlobsMs'
>

/** How often the market looks whose money runs out. */
const lookEveryMs = 60_000

/** Removes what nobody needs any more and looks after the money of tenants, from now on. */
export const startHousekeeping = (options: HousekeepingOptions, modules: HousekeepingModules): void => {
  const { world, store, records, prices, benchmarks, names, funds, log } = modules

  const clean = async (): Promise<void> => {
    await store.pruneOrders(world.now())
    await records.prune()
    await prices.keeper.prune()
    await benchmarks.prune()
    if (options.keepJobBlobsMs > 0) await store.blobs.dropRefsOfClosed(world.now() - options.keepJobBlobsMs)
    if (options.keepNamesMs > 0) await names.dropOfClosed(world.now() - options.keepNamesMs)
    if (options.keepTranscriptsMs > 0) await store.auctions.prune(world.now() - options.keepTranscriptsMs)
    if (options.keepBlobsMs > 0) await collectBlobs(options.keepBlobsMs, modules)
  }

  const lookAtFundsLater = (): void =>
    void world.after(lookEveryMs, () => {
      funds
        .lookAtAll()
        .catch((error: unknown) => log.info('could not look at the money of tenants', { error }))
        .finally(lookAtFundsLater)
    })

  const cleanLater = (): void =>
    void world.after(options.cleanEveryMs, () => {
      clean()
        .catch((error: unknown) => log.warn('could not clean up', { error }))
        .finally(cleanLater)
    })

  cleanLater()
  lookAtFundsLater()
}
