import type { Log, Timer, World } from '@muster/protocol'
import type { OwnerOptions } from '../options.ts'
import { quietOwner, stepOwner } from './step-owner.ts'

/** Share (0 to 1) of the machine's processors used by others since it was last asked; `undefined` where it cannot tell. */
export type SampleLoad = () => Promise<number | undefined>

export interface OwnerWatch {
  stop(): void
}

/** Samples the owner's load and says when it starts and stops needing the machine. A sample that cannot be taken changes nothing. */
export const watchOwner = (
  options: OwnerOptions,
  { world, sampleLoad, log }: { readonly world: World; readonly sampleLoad: SampleLoad; readonly log: Log },
  onChange: (isBusy: boolean) => void,
): OwnerWatch => {
  let state = quietOwner
  let isStopped = false
  let timer: Timer | null = null

  const look = async (): Promise<void> => {
    const load = await sampleLoad().catch((error: unknown) => {
      log.warn('the load of this machine could not be read', { error })
      return undefined
    })
    if (isStopped) return
    if (load !== undefined) {
      const before = state.isBusy
      state = stepOwner(state, load, world.elapsed(), options)
      if (state.isBusy !== before) onChange(state.isBusy)
    }
    lookLater()
  }

  const lookLater = (): void => {
    timer = world.after(options.sampleMs, () => void look())
  }
  lookLater()

  return {
    stop: () => {
      isStopped = true
      timer?.cancel()
    },
  }
}
