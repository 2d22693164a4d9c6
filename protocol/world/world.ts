/** A pending call of `World.after`; cancelling one that ran does nothing. */
export interface Timer {
  cancel(): void
}

/**
 * Time and chance, the only way a decision gets at either. Market and agent take one and nothing else,
 * so that the simulator can run them on virtual time from a seed.
 */
export interface World {
  /** Wall clock, milliseconds since 1970. May step; compare only with a tolerance. */
  now(): number
  /** Milliseconds of a clock that never steps; only differences mean something. */
  elapsed(): number
  /** Cryptographically strong in production, seeded in the simulator. */
  random(byteCount: number): Uint8Array
  /** Calls `action` once, `delayMs` from now. A pending timer does not keep a program alive. */
  after(delayMs: number, action: () => void): Timer
}
