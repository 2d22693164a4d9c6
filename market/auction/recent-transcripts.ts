import type { AuctionId, SignedTranscript, World } from '@muster/protocol'
import type { Store } from '../store/store.ts'

/** Reads a transcript, `undefined` where there is none. */
export type ReadTranscript = (auction: AuctionId) => Promise<SignedTranscript | undefined>

const remembered = 8
const rememberedMs = 60_000

/** Whoever looks at an auction looks soon after it, and a transcript never changes: the last ones are read from the store once. */
export const createRecentTranscripts = ({
  world,
  store,
}: {
  readonly world: Pick<World, 'after'>
  readonly store: Pick<Store, 'auctions'>
}): ReadTranscript => {
  const reading = new Map<AuctionId, Promise<SignedTranscript | undefined>>()
  const recent = new Map<AuctionId, SignedTranscript>()

  const remember = (auction: AuctionId, found: SignedTranscript): void => {
    recent.set(auction, found)
    const [oldest] = recent.keys()
    if (recent.size > remembered && oldest !== undefined) recent.delete(oldest)
    world.after(rememberedMs, () => {
      if (recent.get(auction) === found) recent.delete(auction)
    })
  }

  const read = async (auction: AuctionId): Promise<SignedTranscript | undefined> => {
    try {
      const found = await store.auctions.get(auction)
      if (found !== undefined) remember(auction, found)
      return found
    } finally {
      reading.delete(auction)
    }
  }

  return async (auction) => {
    const known = recent.get(auction) ?? reading.get(auction)
    if (known !== undefined) return known
    const own = read(auction)
    reading.set(auction, own)
    return own
  }
}
