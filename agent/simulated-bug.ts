/** Faults that the simulator plants to prove that it would find them; none in production. */
export type SimulatedBug = 'reservation-leaked-on-crash' | 'reservation-leaked-across-markets'

/** Until when a reservation found in the journal at a restart holds its slots. */
export const heldUntil = (bugs: ReadonlySet<SimulatedBug>, expiresAt: number): number =>
  bugs.has('reservation-leaked-on-crash') ? Number.MAX_SAFE_INTEGER : expiresAt

/** Whether slots that another market than this one holds are counted as taken after a restart. */
export const countsAfterRestart = (bugs: ReadonlySet<SimulatedBug>, isFirstMarket: boolean): boolean =>
  isFirstMarket || !bugs.has('reservation-leaked-across-markets')
