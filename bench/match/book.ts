import type { Demand, OfferId } from '@muster/protocol'
import type { ListedProvider } from './mix.ts'

export interface Award {
  readonly offer: OfferId
  readonly slots: number
}

/** What is measured: a market's book of offers, whose slots orders use up. */
export interface Book {
  /** Takes in a provider, or what it says anew in place of what it said before: its offers, and how many slots it has altogether. */
  publish(provider: ListedProvider): void
  /** The cheapest slots that fit, of which then as many are gone. */
  order(demand: Demand): Award[]
}
