import { slotsWanted, type SignedTranscript } from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import { summaryOf } from './encode-transcript.ts'

/** Writes a transcript with the event that tells the job of it. Resolves to `false`, and writes nothing, where the job wants no slots any more. */
export const keepTranscript = (actor: JobActor, transcript: SignedTranscript): Promise<boolean> => {
  const { id: auction, transcript: digest, solicited, bids, winners, slots } = summaryOf(transcript)
  return actor.step((draft) => {
    if (slotsWanted(draft.job, draft.now) === 0) return false
    draft.emit({ type: 'auctioned', at: draft.now, auction, transcript: digest, solicited, bids, winners, slots })
    draft.transcripts.push(transcript)
    return true
  })
}
