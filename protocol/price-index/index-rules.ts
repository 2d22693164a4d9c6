/** The rules of every published price. Their reasons are in docs/spec/price-index.md; a change is a change of the method. */
export const indexRules = {
  /** Fewest that must have traded for a price to be published. */
  leastProviders: 3,
  leastTenants: 3,
  leastPairs: 5,
  /** Fewest pairs that any one provider or tenant has no part in. */
  leastOthers: 2,
  /** The most of the weight that one tenant at one provider, one provider, or one tenant has. */
  pairShare: 0.2,
  participantShare: 0.4,
  /** A pair is an outlier where the logarithm of its price is further from the weighted median than so many scaled deviations… */
  deviations: 3,
  /** …but never where the price is within this factor of it. */
  leastFactor: 1.25,
  /** Probability that the interval holds the price. */
  confidence: 0.9,
  /** Significant digits of what is published. */
  priceDigits: 3,
  volumeDigits: 2,
} as const
