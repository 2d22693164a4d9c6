import type { AgentPeer, Publication, World } from '@muster/protocol'

/** Offers an agent may publish at once, and how many a second after that. */
const burst = 50
const perSecond = 20

interface Pace {
  /** Publications it may make now. */
  left: number
  /** `elapsed` when `left` was right. */
  at: number
  /** What it published too soon: only the newest counts, since each replaces the one before. */
  waiting: Publication | undefined
}

export interface PaceOffersModules {
  readonly world: World
  readonly isLinked: (peer: AgentPeer) => boolean
  readonly publish: (peer: AgentPeer, publication: Publication) => void
}

/** Takes an agent's offers at once, or, from one that publishes without end, the newest in its turn: every publication makes the jobs that wait look again. */
export const createPaceOffers = ({
  world,
  isLinked,
  publish,
}: PaceOffersModules): ((peer: AgentPeer, publication: Publication) => void) => {
  const paces = new WeakMap<AgentPeer, Pace>()

  const takeTurn = (pace: Pace): boolean => {
    const now = world.elapsed()
    pace.left = Math.min(burst, pace.left + ((now - pace.at) * perSecond) / 1000)
    pace.at = now
    if (pace.left < 1) return false
    pace.left--
    return true
  }

  return (peer, publication) => {
    const pace = paces.get(peer) ?? { left: burst, at: world.elapsed(), waiting: undefined }
    paces.set(peer, pace)
    if (pace.waiting !== undefined) {
      pace.waiting = publication
      return
    }
    if (takeTurn(pace)) return publish(peer, publication)
    pace.waiting = publication
    world.after(1000 / perSecond, () => {
      const newest = pace.waiting
      pace.waiting = undefined
      takeTurn(pace)
      if (newest !== undefined && isLinked(peer)) publish(peer, newest)
    })
  }
}
