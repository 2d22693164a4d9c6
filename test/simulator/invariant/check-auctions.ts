import { digestOf, verifyTranscript, type AuctionId, type SignedTranscript } from '@muster/protocol'
import { readTranscript } from '../../../market/auction/encode-transcript.ts'
import { chainId } from '../process/keys.ts'
import type { EndOfRun } from './check-end.ts'

/** Runs the rule of every sealed auction again, and holds the leases against what was awarded. */
export const checkAuctions = ({ run, node }: EndOfRun): void => {
  const wrong = (message: string) => run.violations.report('awards-follow-the-rule', message)
  const domain = { chainId, market: node.address }
  const transcripts = new Map<AuctionId, SignedTranscript>()
  for (const row of node.disk.transcripts.values()) {
    const transcript = readTranscript(row)
    if (transcript === undefined) continue
    transcripts.set(row.id, transcript)
    for (const { name, holds, found } of verifyTranscript(run.keys.verifier, domain, transcript))
      if (!holds) wrong(`of ${row.id} it does not hold that ${name}: ${found}`)
  }
  for (const job of run.jobs.jobs.values()) {
    for (const { lease } of job.leases.values()) {
      const { auction, reservation, slots, price, id } = lease.record
      const isSealed = job.order.record.auction !== undefined
      if (isSealed !== (auction !== undefined)) wrong(`${id} and its order differ on how it was auctioned`)
      if (auction === undefined) continue
      const transcript = transcripts.get(auction.id)?.record
      const winner = transcript?.award.winners.find((each) => each.reservation === reservation)
      if (transcript === undefined || digestOf(transcript) !== auction.transcript) wrong(`${id} names no transcript`)
      else if (winner?.slots !== slots || winner.price.nanoUsd !== price.nanoUsd) wrong(`${id} is not what was awarded`)
    }
  }
}
