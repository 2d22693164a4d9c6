import type { Cid } from '../digest/cid.ts'
import type { Address } from '../signature/address.ts'
import type { AgentMessage, LinkCall, LinkRequest, LinkResponse, MarketMessage } from './link-message.ts'

export interface CallOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** A linked agent as its market sees it. Every method rejects with `link_closed` once the link is gone. */
export interface AgentPeer {
  readonly provider: Address
  /** Rises with each connection of this provider; a newer one evicts the older. */
  readonly epoch: number
  call<Call extends LinkCall>(call: Call, request: LinkRequest<Call>, options: CallOptions): Promise<LinkResponse<Call>>
  /** Queues a message; order is kept. A message on a link that breaks may be lost: whoever sends it repeats it by state. */
  send(message: MarketMessage): void
  /** Streams a blob to the agent over the data socket. */
  putBlob(cid: Cid, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** Fetches a blob from the agent over the data socket; the receiver checks the digest and stops past `maxBytes`. */
  getBlob(cid: Cid, maxBytes: number): AsyncIterable<Uint8Array>
  close(reason: LinkCloseReason): void
}

export type LinkCloseReason = 'superseded' | 'shutdown' | 'protocol-error' | 'silent' | 'lost'

/** What a market does with its links. */
export interface PeerHandlers {
  onOpen(peer: AgentPeer): void
  onMessage(peer: AgentPeer, message: AgentMessage): void
  onClose(peer: AgentPeer, reason: LinkCloseReason): void
}

/** The agent's half: it answers calls and takes messages and blobs. */
export interface AgentHandlers {
  onCall<Call extends LinkCall>(call: Call, request: LinkRequest<Call>): Promise<LinkResponse<Call>>
  onMessage(message: MarketMessage): void
  /** Stores a blob; rejects where it is not what `cid` says. */
  onPutBlob(cid: Cid, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** Rejects with `blob_missing`. */
  onGetBlob(cid: Cid): AsyncIterable<Uint8Array>
}

/** The market as a linked agent sees it. */
export interface MarketPeer {
  readonly market: Address
  send(message: AgentMessage): void
  close(): void
  /** Resolves when the link is gone; the agent's work runs on. */
  readonly closed: Promise<LinkCloseReason>
}

/** Makes one connection (both sockets) with this epoch. Rejects with `link_superseded`, `clock_skewed`, `signature_invalid`, `link_closed`. */
export type DialMarket = (epoch: number, handlers: AgentHandlers) => Promise<MarketPeer>
