import type { World } from './world.ts'

/** Platforms give no more at once. */
const mostAtOnce = 65_536

/** So many bytes of chance, however many: nobody who has some of them knows the rest. */
export const randomBlob = (world: Pick<World, 'random'>, byteCount: number): Uint8Array => {
  const bytes = new Uint8Array(byteCount)
  for (let at = 0; at < byteCount; at += mostAtOnce) bytes.set(world.random(Math.min(mostAtOnce, byteCount - at)), at)
  return bytes
}
