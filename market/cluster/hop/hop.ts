import type {
  Address,
  AgentMessage,
  Cid,
  Demand,
  LeaseId,
  LinkCall,
  MarketMessage,
  ReservationId,
  SignedOffer,
} from '@muster/protocol'
import type { DenialEffect } from '../../admin/apply-denial.ts'
import type { Denial } from '../../store/admin-store.ts'
import type { NodeId, NodeRow } from '../../store/node-store.ts'

/** An agent as linked to some node. */
export interface RemoteLink {
  readonly provider: Address
  readonly epoch: number
}

/** Links of a node that are new with a version, and those that are gone. */
export interface LinkNews {
  readonly version: number
  /** `links` are all there are. */
  readonly isWhole: boolean
  readonly links: readonly RemoteLink[]
  readonly gone: readonly Address[]
}

/** An offer and the slots that the node where its agent is linked believes free. */
export interface FoundOffer {
  readonly offer: SignedOffer
  readonly free: number
}

/** A message on its way between an agent and the node that writes the job. */
export type PassedMessage = RemoteLink &
  ({ readonly to: 'agent'; readonly message: MarketMessage } | { readonly to: 'node'; readonly message: AgentMessage })

export interface HeldReservation {
  readonly reservation: ReservationId
  readonly slots: number
}

interface Ask<Request, Response> {
  readonly request: Request
  readonly response: Response
}

/** What nodes of one market ask each other. */
export interface NodeCalls {
  /** Who is linked here, as far as it has changed since what is known; -1 where nothing is. */
  readonly links: Ask<{ readonly known: number }, LinkNews>
  /** Offers of the agents linked here: see `FindOffers`. */
  readonly offers: Ask<{ readonly demand: Demand; readonly limit: number; readonly after?: SignedOffer }, FoundOffer[]>
  /** The cheapest standing offers, whatever is free of them, or with the slots believed free. */
  readonly standing: Ask<{ readonly isBelieved: boolean; readonly limit: number }, FoundOffer[]>
  /** A call on an agent linked here. */
  readonly agent: Ask<
    RemoteLink & { readonly call: LinkCall; readonly body: unknown; readonly timeoutMs: number },
    unknown
  >
  /** In order. */
  readonly messages: Ask<readonly PassedMessage[], null>
  /** All reservations of a provider that the asking node's jobs hold. */
  readonly holds: Ask<{ readonly provider: Address; readonly held: readonly HeldReservation[] }, null>
  /** Which of the leases jobs of this node keep. `isSettled`: it has taken up all jobs it knows to be its own. */
  readonly keeps: Ask<
    { readonly leases: readonly LeaseId[] },
    { readonly isSettled: boolean; readonly kept: LeaseId[] }
  >
  /** Whether a job of this node gives the provider a reason to read this blob. */
  readonly needs: Ask<{ readonly provider: Address; readonly cid: Cid }, boolean>
  /** The node that is asked was taken out; where it knows nothing of it, it has lost the database. */
  readonly out: Ask<null, null>
  /** Ends what a denial ends here. */
  readonly deny: Ask<Denial, DenialEffect>
}
export type NodeCall = keyof NodeCalls

export interface RemoteBlob extends RemoteLink {
  readonly cid: Cid
}

/** How a node reaches the others. What breaks on the way rejects `link_closed` or `timeout`. */
export interface Hop {
  call<Call extends NodeCall>(
    node: NodeRow,
    call: Call,
    request: NodeCalls[Call]['request'],
    timeoutMs: number,
  ): Promise<NodeCalls[Call]['response']>
  putBlob(node: NodeRow, blob: RemoteBlob, bytes: AsyncIterable<Uint8Array>): Promise<void>
  getBlob(node: NodeRow, blob: RemoteBlob, maxBytes: number): AsyncIterable<Uint8Array>
  /** A request of the HTTP API, answered by that node. */
  fetch(node: NodeRow, request: Request): Promise<Response>
  close(): Promise<void>
}

/** What a node answers the others. */
export interface NodeService {
  call<Call extends NodeCall>(
    from: NodeId,
    call: Call,
    request: NodeCalls[Call]['request'],
  ): Promise<NodeCalls[Call]['response']>
  putBlob(blob: RemoteBlob, bytes: AsyncIterable<Uint8Array>): Promise<void>
  getBlob(blob: RemoteBlob, maxBytes: number): AsyncIterable<Uint8Array>
  fetch(request: Request): Promise<Response>
}
