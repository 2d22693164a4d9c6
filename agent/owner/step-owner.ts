import type { OwnerOptions } from '../options.ts'

/** Whether the machine's owner needs it, from samples of the load that is not the agent's own. */
export interface OwnerState {
  readonly isBusy: boolean
  /** Samples above the threshold in a row. */
  readonly above: number
  /** Since when the load has been below it, in milliseconds of a clock that never steps. */
  readonly quietSince: number | null
}

export const quietOwner: OwnerState = { isBusy: false, above: 0, quietSince: null }

/** The state after a sample: `load` is the share (0 to 1) of the machine's processors that others used. */
export const stepOwner = (state: OwnerState, load: number, elapsed: number, options: OwnerOptions): OwnerState => {
  if (load > options.busyShare) {
    const above = state.above + 1
    return { isBusy: state.isBusy || above >= options.busySamples, above, quietSince: null }
  }
  const quietSince = state.quietSince ?? elapsed
  const isBusy = state.isBusy && elapsed - quietSince < options.quietMs
  return { isBusy, above: 0, quietSince }
}
