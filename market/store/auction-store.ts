import type { AuctionId, AuctionSummary, JobId, SignedTranscript } from '@muster/protocol'

/** The sealed auctions of a market: the transcript of each, written in the commit that tells its job of it. */
export interface Auctions {
  get(id: AuctionId): Promise<SignedTranscript | undefined>
  /** Oldest first; `after` is the last auction of the page before. */
  ofJob(job: JobId, page: { readonly limit: number; readonly after?: AuctionId }): Promise<readonly AuctionSummary[]>
}

/** A transcript in a row: what lists show of it as JSON, and its canonical CBOR. */
export interface TranscriptRow {
  readonly id: AuctionId
  readonly job: JobId
  readonly summary: string
  readonly body: Uint8Array
}
