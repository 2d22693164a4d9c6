const dayMs = 86_400_000

/**
 * What is taken of a machine of which nothing is known, in pseudo-observations that never fade, and how soon what was
 * seen of it counts half. Where each figure comes from: docs/spec/records-of-providers.md.
 */
export const recordModel = {
  /** Beta: one order in ten refused, as sure as after ten orders. */
  refusal: { refused: 1, honoured: 9, halfLifeMs: 7 * dayMs },
  /** Gamma: one outage in 60 hours, as sure as after one outage. */
  hazard: { outages: 1, hours: 60, halfLifeMs: 30 * dayMs },
  /** Beta: one attempt in twenty fails by the provider's fault, as sure as after ten attempts. */
  success: { failed: 0.5, succeeded: 9.5, halfLifeMs: 14 * dayMs },
  /** Normal-inverse-gamma of the logarithm: as the median, nine in ten within four times of it. */
  start: { weight: 1, shape: 2, scale: 1.17, halfLifeMs: 30 * dayMs },
  /** Normal-inverse-gamma of the logarithm: as the median, nine in ten within three times of it. */
  duration: { weight: 1, shape: 2, scale: 0.45, halfLifeMs: 30 * dayMs },
  /** Beta: one checked attempt in a hundred, as sure as after ten checks. */
  mismatch: { mismatched: 0.1, matched: 9.9, halfLifeMs: 365 * dayMs },
} as const

/** Attempts of one lease go well or badly together: no lease counts as more. */
export const mostAttemptsPerLease = 100

/** The probability that the interval of an estimate holds the value: as much is left out on either side. */
export const credibility = 0.9
