import { percentile } from '../bench-result.ts'

/** One way to go there and back: calls `done` when the answer is there. */
export type RoundTrip = (done: () => void) => void

/** Median of so many round trips one after the other, in microseconds. */
export const latencyOf = async (trip: RoundTrip, trips: number): Promise<number> => {
  const times: number[] = []
  for (let i = 0; i < trips; i++) {
    const start = performance.now()
    await new Promise<void>((resolve) => trip(resolve))
    times.push((performance.now() - start) * 1000)
  }
  return percentile(times, 0.5)
}

/** Round trips a second with so many under way at a time. */
export const rateOf = (trip: RoundTrip, underWay: number, forMs: number): Promise<number> =>
  new Promise((resolve) => {
    const start = performance.now()
    let count = 0
    let open = underWay
    const again = (): void => {
      count += 1
      const elapsedMs = performance.now() - start
      if (elapsedMs < forMs) return trip(again)
      open -= 1
      if (open === 0) resolve((count / elapsedMs) * 1000)
    }
    for (let i = 0; i < underWay; i++) trip(again)
  })
