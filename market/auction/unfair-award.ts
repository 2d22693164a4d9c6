import { awardSealed, type SealedAuction, type SealedAward } from '@muster/protocol'

/** The planted bug: the best bid is passed over as if it had not been made. */
export const unfairAward = (sealed: SealedAuction): SealedAward => {
  const honest = awardSealed(sealed)
  const [best] = honest.winners
  const others = sealed.bids.filter(({ provider }) => provider !== best?.provider)
  return { winners: awardSealed({ ...sealed, bids: others }).winners, refused: honest.refused }
}
