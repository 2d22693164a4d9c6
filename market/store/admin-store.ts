import type { ActionId, AdminRole, DenialKind, ErrorCode, KeyId } from '@muster/protocol'
import type { Page } from './store.ts'

/** An admin key as it may be shown: never the key, nor its hash. */
export interface AdminKey {
  readonly id: KeyId
  readonly name: string
  readonly role: AdminRole
  readonly lastFour: string
  readonly createdBy: string
  readonly createdAt: number
  readonly revokedAt: number | null
}

/** An entry of the admin log. `facts` is JSON. */
export interface AdminAction {
  readonly id: ActionId
  readonly at: number
  readonly actor: string
  readonly actorName: string
  readonly role: AdminRole
  readonly action: string
  readonly facts: Readonly<Record<string, unknown>>
  readonly reason: string
  readonly outcome: 'asked' | 'refused'
  readonly of: ActionId | null
  readonly code: ErrorCode | null
}

/** Who or what is denied, until `expiresAt` where there is one. */
export interface Denial {
  readonly kind: DenialKind
  readonly subject: string
  readonly reason: string
  readonly at: number
  readonly by: string
  readonly expiresAt: number | null
  /** Whether what ran was stopped as well. */
  readonly stopped: boolean
}

/** What the operators of a market keep: their keys, what they did, and whom they deny. */
export interface Admin {
  /** `sha256` is the hash of the key's secret, 32 bytes. Rejects `conflict` where the id is taken. */
  addKey(key: AdminKey & { readonly sha256: Uint8Array }): Promise<void>
  /** Revoked or not. */
  key(id: KeyId): Promise<{ readonly key: AdminKey; readonly sha256: Uint8Array } | undefined>
  /** Newest first. */
  keys(): Promise<readonly AdminKey[]>
  /** Whether there was such a key, not revoked before. */
  revokeKey(id: KeyId, at: number): Promise<boolean>
  /** Appends to the log. Durable when it resolves; nothing takes it away again. */
  record(action: AdminAction): Promise<void>
  /** Newest first. */
  actions(page: Page<ActionId>): Promise<readonly AdminAction[]>
  /** Replaces a denial of the same. */
  deny(denial: Denial): Promise<void>
  /** Whether there was such a denial. */
  allow(target: Pick<Denial, 'kind' | 'subject'>): Promise<boolean>
  /** Newest first, expired ones too. */
  denials(): Promise<readonly Denial[]>
}
