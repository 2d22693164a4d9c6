import type { PricePolicy } from './price-policy.ts'

/** The policy in force, which may be exchanged while the agent runs. */
export interface Pricing {
  policy(): PricePolicy
  /** Calls `listener` after each exchange. */
  onChange(listener: () => void): void
}

export interface OwnPricing extends Pricing {
  exchange(policy: PricePolicy): void
}

export const createPricing = (first: PricePolicy): OwnPricing => {
  const listeners: (() => void)[] = []
  let policy = first
  return {
    policy: () => policy,
    onChange: (listener) => void listeners.push(listener),
    exchange: (next) => {
      policy = next
      for (const listener of listeners) listener()
    },
  }
}
