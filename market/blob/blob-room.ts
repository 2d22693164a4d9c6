import { MusterError, type World } from '@muster/protocol'
import type { Store } from '../store/store.ts'

export interface BlobRoomModules {
  readonly world: World
  readonly store: Store
}

/** Bounds what tenants keep here without a job that refers to it: nobody pays for that. */
export interface BlobRoom {
  /** Passes an upload on and counts it. Rejects `disk_full` before the first byte where `bytes` do not fit, and where the stream grows past the room. */
  admit(body: AsyncIterable<Uint8Array>, bytes: number): Promise<AsyncIterable<Uint8Array>>
}

const refreshMs = 5_000
const retryAfterMs = 60_000

const full = (maxBytes: number): MusterError =>
  new MusterError({
    code: 'disk_full',
    message:
      'The market keeps as many blobs that no job uses as it will; submit jobs that use yours, or try again later.',
    facts: { expected: `at most ${maxBytes} bytes of such blobs` },
    fault: 'market',
    retryAfterMs,
  })

export const createBlobRoom = (maxBytes: number, { world, store }: BlobRoomModules): BlobRoom => {
  const arriving = new Set<{ bytes: number }>()
  let known: { readonly bytes: number; readonly at: number } | undefined
  let arrivedSince = 0

  const held = (): number => {
    let bytes = (known?.bytes ?? 0) + arrivedSince
    for (const upload of arriving) bytes += upload.bytes
    return bytes
  }

  const refresh = async (): Promise<void> => {
    if (known !== undefined && world.elapsed() - known.at < refreshMs) return
    const bytes = await store.blobs.unreferencedBytes()
    known = { bytes, at: world.elapsed() }
    arrivedSince = 0
  }

  return {
    admit: async (body, bytes) => {
      await refresh()
      if (held() + bytes > maxBytes) throw full(maxBytes)
      return (async function* () {
        const upload = { bytes: 0 }
        arriving.add(upload)
        try {
          for await (const chunk of body) {
            upload.bytes += chunk.length
            if (held() > maxBytes) throw full(maxBytes)
            yield chunk
          }
        } finally {
          arriving.delete(upload)
          arrivedSince += upload.bytes
        }
      })()
    },
  }
}
