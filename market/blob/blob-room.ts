import { MusterError, type TenantId, type World } from '@muster/protocol'
import type { Store } from '../store/store.ts'

export interface BlobRoomOptions {
  /** Of blobs that no job refers to, over all tenants. */
  readonly maxBytes: number
  /** Of those, what one tenant may have brought in. */
  readonly maxTenantBytes: number
}

export interface BlobRoomModules {
  readonly world: World
  readonly store: Store
}

/** An upload that was let in. */
export interface Admission {
  /** What arrives, counted. Throws `disk_full` where it grows past the room. */
  readonly body: AsyncIterable<Uint8Array>
  /** Says that the upload is over: noted in the store, or nothing of it kept. */
  leave(isNoted: boolean): void
}

export interface Upload {
  readonly tenant: TenantId
  readonly body: AsyncIterable<Uint8Array>
  /** As the caller says, or 0. */
  readonly bytes: number
  /** The market holds the blob: it takes room while it arrives, and none of its tenant’s. */
  readonly isKnown: boolean
}

/** Bounds what tenants keep here without a job that refers to it: nobody pays for that. */
export interface BlobRoom {
  /** Rejects `disk_full` before the first byte where the upload does not fit. */
  admit(upload: Upload): Promise<Admission>
}

interface Arriving {
  bytes: number
  isOver: boolean
}

/** What is held of one kind: as last read, and what came since. */
interface Shelf {
  readonly maxBytes: number
  readonly read: () => Promise<number>
  readonly full: () => MusterError
  readonly arriving: Set<Arriving>
  known: number
  readAt: number
}

const refreshMs = 5_000
const retryAfterMs = 60_000
/** Tenants whose uploads are counted at a time; those that upload nothing are let go of first. */
const maxShelves = 10_000

const marketFull = (maxBytes: number): MusterError =>
  new MusterError({
    code: 'disk_full',
    message:
      'The market keeps as many blobs that no job uses as it will; submit jobs that use yours, or try again later.',
    facts: { expected: `at most ${maxBytes} bytes of such blobs` },
    fault: 'market',
    retryAfterMs,
  })

const tenantFull = (maxBytes: number, tenant: TenantId): MusterError =>
  new MusterError({
    code: 'disk_full',
    message: `You have uploaded as much that no job of the market uses as one tenant may (${maxBytes} bytes); submit the jobs that use it, or wait until the market lets go of it.`,
    facts: { tenant, expected: `at most ${maxBytes} bytes of such blobs` },
    fault: 'tenant',
    retryAfterMs,
  })

const held = ({ known, arriving }: Shelf): number => {
  let bytes = known
  for (const upload of arriving) bytes += upload.bytes
  return bytes
}

export const createBlobRoom = (
  { maxBytes, maxTenantBytes }: BlobRoomOptions,
  { world, store }: BlobRoomModules,
): BlobRoom => {
  const makeShelf = (most: number, read: () => Promise<number>, full: () => MusterError): Shelf => ({
    maxBytes: most,
    read,
    full,
    arriving: new Set(),
    known: 0,
    readAt: -Infinity,
  })
  const all = makeShelf(
    maxBytes,
    () => store.blobs.unreferencedBytes(),
    () => marketFull(maxBytes),
  )
  const own = new Map<TenantId, Shelf>()

  /** What is over is in the store, where the next upload of the tenant finds it. */
  const forgetIdle = (): void => {
    for (const [tenant, { arriving }] of own) if ([...arriving].every(({ isOver }) => isOver)) own.delete(tenant)
  }

  const shelfOf = (tenant: TenantId): Shelf => {
    const known = own.get(tenant)
    if (known !== undefined) return known
    const shelf = makeShelf(
      maxTenantBytes,
      () => store.blobs.unreferencedBytes(tenant),
      () => tenantFull(maxTenantBytes, tenant),
    )
    if (own.size >= maxShelves) forgetIdle()
    own.set(tenant, shelf)
    return shelf
  }

  /** What was over before the reading began is in it. */
  const refresh = async (shelf: Shelf): Promise<void> => {
    if (world.elapsed() - shelf.readAt < refreshMs) return
    const over = [...shelf.arriving].filter(({ isOver }) => isOver)
    const startedAt = world.elapsed()
    shelf.known = await shelf.read()
    shelf.readAt = startedAt
    for (const upload of over) shelf.arriving.delete(upload)
  }

  return {
    admit: async ({ tenant, body, bytes, isKnown }) => {
      const shelves = isKnown ? [all] : [all, shelfOf(tenant)]
      const upload: Arriving = { bytes: 0, isOver: false }
      for (const shelf of shelves) {
        await refresh(shelf)
        if (held(shelf) + bytes > shelf.maxBytes) throw shelf.full()
      }
      for (const shelf of shelves) shelf.arriving.add(upload)
      return {
        body: (async function* () {
          for await (const chunk of body) {
            upload.bytes += chunk.length
            for (const shelf of shelves) if (held(shelf) > shelf.maxBytes) throw shelf.full()
            yield chunk
          }
        })(),
        leave: (isNoted) => {
          upload.isOver = true
          if (!isNoted || isKnown) for (const shelf of shelves) shelf.arriving.delete(upload)
        },
      }
    },
  }
}
