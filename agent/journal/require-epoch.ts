import { maxEpoch } from '@muster/protocol'

/** The number, where it can be the epoch of a link. Throws `RangeError`. */
export const requireEpoch = (epoch: number): number => {
  if (Number.isSafeInteger(epoch) && epoch >= 1 && epoch <= maxEpoch) return epoch
  throw new RangeError(`${epoch} is no epoch of a link`)
}
