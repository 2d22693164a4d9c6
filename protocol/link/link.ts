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
  /**
   * Queues a message; order is kept. A message on a link that breaks may be lost: whoever sends it repeats it by state.
   * Does nothing once the link is gone; throws `request_invalid` on a message larger than `maxFrameBytes`.
   */
  send(message: MarketMessage): void
  /** Streams a blob to the agent over the data socket; resolves once the agent has checked and stored it. */
  putBlob(cid: Cid, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** Fetches a blob from the agent over the data socket; the receiver checks the digest and stops past `maxBytes`. */
  getBlob(cid: Cid, maxBytes: number): AsyncIterable<Uint8Array>
  close(reason: LinkCloseReason): void
}

export const linkCloseReasons = ['superseded', 'shutdown', 'protocol-error', 'silent', 'lost'] as const
export type LinkCloseReason = (typeof linkCloseReasons)[number]

/** What a market does with its links. Pings are answered by the link and not handed on. */
export interface PeerHandlers {
  onOpen(peer: AgentPeer): void
  onMessage(peer: AgentPeer, message: AgentMessage): void
  onClose(peer: AgentPeer, reason: LinkCloseReason): void
}

/** The agent's half: it answers calls and takes messages and blobs. No message comes before the dial has resolved; calls may. */
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
  /** As `AgentPeer.send`. */
  send(message: AgentMessage): void
  /** Sends what is queued, then says `shutdown`. */
  close(): void
  /** Resolves when the link and its sockets are gone; the agent's work runs on. */
  readonly closed: Promise<LinkCloseReason>
}

/** Makes one connection (both sockets) with this epoch. Rejects with `link_superseded`, `clock_skewed`, `signature_invalid`, `link_closed`. */
export type DialMarket = (epoch: number, handlers: AgentHandlers) => Promise<MarketPeer>
