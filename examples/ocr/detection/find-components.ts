/** Neighbouring pixels of text, as indices into the map. */
export type Component = readonly number[]

const background = 0

/**
 * Connected regions (8 neighbours) of pixels at or above `threshold`, in the order in which a reader of the map
 * meets them. Regions of fewer than `fewest` pixels are left out.
 */
export const findComponents = (
  map: Uint8Array,
  width: number,
  threshold: number,
  fewest: number,
): readonly Component[] => {
  const open = map.map((value) => (value >= threshold ? 1 : background))
  const components: Component[] = []
  for (let seed = open.indexOf(1); seed !== -1; seed = open.indexOf(1, seed + 1)) {
    const component = flood(open, width, seed)
    if (component.length >= fewest) components.push(component)
  }
  return components
}

const flood = (open: Uint8Array, width: number, seed: number): Component => {
  const pixels = [seed]
  open[seed] = background
  for (let next = 0; next < pixels.length; next++) {
    const pixel = pixels[next] ?? seed
    const column = pixel % width
    for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
      for (const neighbour of [pixel - column - width + x, pixel - column + x, pixel - column + width + x]) {
        if (open[neighbour] !== 1) continue
        open[neighbour] = background
        pixels.push(neighbour)
      }
    }
  }
  return pixels
}
