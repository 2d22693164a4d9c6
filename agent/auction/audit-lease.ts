import { checkLeaseAward, MusterError, type SignedLease } from '@muster/protocol'
import type { HeldReservation } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { keepNewest } from './bids.ts'
import { keepProof } from './keep-proof.ts'
import { wantTranscript } from './want-transcript.ts'

/** Leases that wait for their transcripts at once. */
const mostLeases = 4_096

/** Where the transcript was read before: that the lease is what the rule gives. Throws `record_invalid`, and keeps the proof. */
export const requireAwarded = (context: AgentContext, { auction }: HeldReservation, lease: SignedLease): void => {
  const transcript = auction === null ? undefined : context.bids.read.get(auction.id)
  if (transcript === undefined) return
  const { holds, found } = checkLeaseAward(transcript.record, lease.record)
  if (holds) return
  keepProof(context, lease.record.market, transcript.record.auction, {
    breach: 'other-lease',
    message: `The lease is not what was won: ${found}.`,
    transcript,
    lease,
  })
  throw new MusterError({
    code: 'record_invalid',
    message: `This lease is not what its auction gives: ${found}.`,
    facts: { field: 'auction', auction: transcript.record.auction, found },
    fault: 'market',
  })
}

/** The lease came before its transcript, which is read later: see `hearTranscript`. */
export const auditLease = (context: AgentContext, { auction }: HeldReservation, lease: SignedLease): void => {
  if (auction === null || auction.isLeft) return
  const { bids } = context
  const { market } = lease.record
  if (bids.read.delete(auction.id)) return
  keepNewest(bids.leases, auction.id, lease, mostLeases)
  // A bid whose auction is not over yet is looked at once it is.
  if (bids.held.get(auction.id)?.isOver !== false) wantTranscript(context, market, auction.id)
}
