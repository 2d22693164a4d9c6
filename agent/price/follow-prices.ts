import type { Log, RuntimeKind, World } from '@muster/protocol'
import { defaultPrices } from '../offer/read-prices.ts'
import { flatPolicy, type PricePolicy } from './price-policy.ts'
import { parsePolicy, readText } from './read-policy.ts'
import { watchPolicy } from './watch-policy.ts'

/** The prices an agent starts with. */
export interface OpenedPrices {
  readonly policy: PricePolicy
  /** What they were read from; `null` for those of an agent without a price file. */
  readonly source: { readonly file: string; readonly text: string } | null
}

/** Throws `request_invalid` where the file is missing or wrong. */
export const openPrices = async (file: string | null): Promise<OpenedPrices> => {
  if (file === null) return { policy: flatPolicy(defaultPrices), source: null }
  const text = await readText(file)
  return { policy: parsePolicy(file, text), source: { file, text } }
}

const everyMs = 1_000

export interface FollowPricesModules {
  readonly world: World
  readonly log: Log
  /** Runtimes that can be sold without another start. */
  readonly sold: ReadonlySet<RuntimeKind>
  readonly reprice: (policy: PricePolicy) => void
}

/** Takes each change of the price file up while the agent runs. Gives what ends that. */
export const followPrices = (
  { source }: OpenedPrices,
  { world, log, sold, reprice }: FollowPricesModules,
): (() => void) => {
  if (source === null) return () => {}
  const onPolicy = (policy: PricePolicy): void => {
    const missing = [...policy.runtimes.keys()].filter((runtime) => !sold.has(runtime))
    if (missing.length > 0) log.warn('runtimes that have a price now are sold from the next start on', { missing })
    reprice(policy)
  }
  return watchPolicy({ ...source, everyMs }, { world, log, readText, onPolicy })
}
