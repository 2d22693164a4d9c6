/** Longer texts are not carried, and not read where somebody else sends one. */
export const maxBusBytes = 256

/**
 * Carries short texts to all nodes of a market, soon and perhaps not at all. Whoever can reach it can say anything on it, so
 * that a text is only ever a hint to look somewhere trusted.
 */
export interface Bus {
  /** Never throws; what cannot be sent now is dropped. */
  publish(text: string): void
  /** Hears what others publish, and perhaps what this node does. */
  subscribe(listener: (text: string) => void): void
  isUp(): boolean
  close(): Promise<void>
}
