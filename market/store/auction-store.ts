import type { AuctionId, AuctionSummary, JobId, SignedTranscript } from '@muster/protocol'

/** The sealed auctions of a market: the transcript of each, written in the commit that tells its job of it. */
export interface Auctions {
  /** `undefined` where there was no such auction, or its transcript was pruned. */
  get(id: AuctionId): Promise<SignedTranscript | undefined>
  /** Oldest first; `after` is the last auction of the page before. */
  ofJob(job: JobId, page: { readonly limit: number; readonly after?: AuctionId }): Promise<readonly AuctionSummary[]>
  /** Forgets the transcripts of auctions that opened before `olderThan` (wall-clock ms), and keeps what lists show: how many. */
  prune(olderThan: number): Promise<number>
}

/** A transcript in a row: what lists show of it as JSON, and its canonical CBOR. */
export interface TranscriptRow {
  readonly id: AuctionId
  readonly job: JobId
  readonly summary: string
  readonly body: Uint8Array
}

/** A row as it is kept: without the transcript once that is pruned. */
export interface KeptTranscriptRow extends Omit<TranscriptRow, 'body'> {
  readonly body: Uint8Array | null
}
