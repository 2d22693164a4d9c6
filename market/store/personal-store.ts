import type { TenantId } from '@muster/protocol'

/** The name of a tenant, an API key or a job, sealed under the tenant's key. */
export interface PersonalText {
  /** The id of what is named. */
  readonly subject: string
  readonly tenant: TenantId
  readonly sealed: Uint8Array
}

/** What may be about a person: names, and the keys they are sealed under. */
export interface PersonalData {
  /** The tenant's key as it was sealed; `null` where it was erased, `undefined` where there never was one. */
  key(tenant: TenantId): Promise<Uint8Array | null | undefined>
  /** Keeps what is there: a key, or that it was erased. */
  addKey(tenant: TenantId, sealed: Uint8Array): Promise<void>
  /** Forgets a tenant's key for good, and its texts: whether there was one. */
  erase(tenant: TenantId, at: number): Promise<boolean>
  add(text: PersonalText): Promise<void>
  /** The sealed texts by subject; those of which there is none are left out. */
  texts(subjects: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>
  /** Forgets the names of jobs closed before this time (wall-clock ms): how many. */
  dropOfClosed(closedBefore: number): Promise<number>
}
