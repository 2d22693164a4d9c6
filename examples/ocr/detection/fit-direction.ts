import type { Component } from './find-components.ts'

export type Direction = { readonly x: number; readonly y: number }

const level: Direction = { x: 1, y: 0 }

/** How many times longer than thick a region must be for its own direction to mean anything. */
const leastElongation = 3

/**
 * The principal axis of a region of pixels, from its second moments; undefined where the region is too stubby to have
 * one or lies nearer to the vertical. Half angles come from square roots, so no engine's trigonometry is asked.
 */
export const fitDirection = (component: Component, width: number): Direction | undefined => {
  const { xx, xy, yy } = momentsOf(component, width)
  const difference = xx - yy
  const spread = Math.sqrt(difference * difference + 4 * xy * xy)
  const longest = xx + yy + spread
  const shortest = xx + yy - spread
  if (difference <= 0 || longest < leastElongation * leastElongation * shortest) return undefined
  const x = Math.sqrt((1 + difference / spread) / 2)
  return { x, y: xy / (spread * x) }
}

/** Central second moments times count². The sums are whole numbers below 2^53, so their order does not matter. */
const momentsOf = (component: Component, width: number) => {
  let [sumX, sumY, sumXX, sumXY, sumYY] = [0, 0, 0, 0, 0]
  for (const pixel of component) {
    const x = pixel % width
    const y = (pixel - x) / width
    sumX += x
    sumY += y
    sumXX += x * x
    sumXY += x * y
    sumYY += y * y
  }
  const count = component.length
  return { xx: count * sumXX - sumX * sumX, xy: count * sumXY - sumX * sumY, yy: count * sumYY - sumY * sumY }
}

/** The middle direction by slope, which a few stray regions cannot turn; level when there is none. */
export const medianDirection = (directions: readonly Direction[]): Direction =>
  directions.toSorted((a, b) => a.y / a.x - b.y / b.x)[directions.length >> 1] ?? level
