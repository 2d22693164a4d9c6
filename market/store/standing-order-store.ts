import type {
  Cid,
  NumberedStandingEvent,
  StandingEvent,
  StandingOrder,
  StandingOrderId,
  StandingState,
  TenantId,
} from '@muster/protocol'
import type { PersonalText } from './personal-store.ts'
import type { Page } from './store.ts'

/** A standing order and how it stands. */
export interface StoredStandingOrder {
  readonly order: StandingOrder
  readonly state: StandingState
}

/** Events that are new, and the state after them. */
export interface StandingAdvance {
  readonly id: StandingOrderId
  /** The version of the state they follow. */
  readonly expectedVersion: number
  readonly state: StandingState
  readonly events: readonly StandingEvent[]
}

export interface StandingOrders {
  /**
   * Keeps a new one with its first events and its sealed name, and the blobs it names as long as it is open: whether it was new by
   * its id. Otherwise nothing is kept. Rejects `blob_missing`.
   */
  place(
    placed: StoredStandingOrder & { readonly events: readonly StandingEvent[]; readonly text: PersonalText },
    blobs: readonly Cid[],
  ): Promise<boolean>
  get(id: StandingOrderId): Promise<StoredStandingOrder | undefined>
  /** Newest first. */
  list(query: Page<StandingOrderId> & { readonly tenant: TenantId }): Promise<readonly StoredStandingOrder[]>
  /** Those that are open, oldest first; `after` is the last one of the page before. */
  open(page: { readonly limit: number; readonly after?: StandingOrderId }): Promise<readonly StoredStandingOrder[]>
  /** How many of a tenant are open. */
  countOpen(tenant: TenantId): Promise<number>
  /** Those that changed at or after a time (wall-clock ms of whoever changed them), open or not, in the order of the changes. */
  changedSince(query: {
    readonly since: number
    readonly limit: number
    readonly after?: Pick<StandingState, 'updatedAt'> & { readonly id: StandingOrderId }
  }): Promise<readonly StoredStandingOrder[]>
  /** Compare-and-set: whether the state was still at the expected version, over all nodes. */
  advance(advance: StandingAdvance): Promise<boolean>
  /** In order; `after` is the number of the last one of the page before. */
  events(
    id: StandingOrderId,
    page: { readonly limit: number; readonly after?: number },
  ): Promise<readonly NumberedStandingEvent[]>
}
