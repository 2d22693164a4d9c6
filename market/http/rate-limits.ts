import { MusterError, type World } from '@muster/protocol'

export interface RateLimitOptions {
  /** Who is limited, at the start of a sentence; left out, a key. */
  readonly who?: string
  /** Requests a second that one key may make in the long run; 0 for no limit. */
  readonly requestsPerSecond: number
  /** Requests it may make at once. */
  readonly burst: number
  /** Bytes of bodies a second in the long run; 0 for no limit. */
  readonly bodyBytesPerSecond: number
}

/** How a key stands, for the headers of an answer. */
export interface RateStanding {
  /** Requests it may make at once. */
  readonly limit: number
  readonly remaining: number
  /** Seconds until all of them are there again. */
  readonly resetSeconds: number
}

/** What one key may ask for. Keys are told apart by any text. */
export interface RateLimits {
  /** Counts a request, or one that counts for several. Throws `rate_limited`, with how long to wait, where the key has none left. */
  request(key: string, weight?: number): void
  /** Throws `rate_limited` while the key has sent more bytes of bodies than its share. */
  requireBodyRoom(key: string): void
  /** Counts bytes that arrived. They may go past the share once; what follows waits until that is made up for. */
  body(key: string, bytes: number): void
  /** `undefined` where requests are not limited, or none was counted. */
  standing(key: string): RateStanding | undefined
}

/** Keys that are remembered; those not heard of for longest are forgotten first, and start anew. */
const rememberedKeys = 10_000
/** How many seconds’ worth of bodies may come at once. */
const bodyBurstSeconds = 4

interface Bucket {
  requests: number
  bodyBytes: number
  at: number
}

const refuse = (message: string, waitMs: number): MusterError =>
  new MusterError({ code: 'rate_limited', message, retryAfterMs: Math.max(1, Math.ceil(waitMs)) })

/** Token buckets, one for each key, filled by the clock when they are looked at. */
export const createRateLimits = (options: RateLimitOptions, world: World): RateLimits => {
  const { requestsPerSecond, burst, bodyBytesPerSecond, who = 'A key' } = options
  const maxBodyBytes = bodyBytesPerSecond * bodyBurstSeconds
  const buckets = new Map<string, Bucket>()

  const bucketOf = (key: string): Bucket => {
    const now = world.elapsed()
    const known = buckets.get(key)
    const bucket = known ?? { requests: burst, bodyBytes: maxBodyBytes, at: now }
    const passed = (now - bucket.at) / 1_000
    bucket.requests = Math.min(burst, bucket.requests + passed * requestsPerSecond)
    bucket.bodyBytes = Math.min(maxBodyBytes, bucket.bodyBytes + passed * bodyBytesPerSecond)
    bucket.at = now
    // The map keeps the order of use.
    if (known !== undefined) buckets.delete(key)
    else if (buckets.size >= rememberedKeys) {
      const [oldest] = buckets.keys()
      if (oldest !== undefined) buckets.delete(oldest)
    }
    buckets.set(key, bucket)
    return bucket
  }

  return {
    request: (key, weight = 1) => {
      if (requestsPerSecond === 0) return
      const bucket = bucketOf(key)
      const count = Math.min(weight, burst)
      if (bucket.requests < count) {
        throw refuse(
          `${who} may make ${requestsPerSecond} requests a second here, and ${burst} at once${weight > 1 ? `; one of these counts for ${weight}` : ''}; slow down.`,
          ((count - bucket.requests) / requestsPerSecond) * 1_000,
        )
      }
      bucket.requests -= count
    },
    requireBodyRoom: (key) => {
      if (bodyBytesPerSecond === 0) return
      const bucket = bucketOf(key)
      if (bucket.bodyBytes > 0) return
      throw refuse(
        `A key may send ${bodyBytesPerSecond} bytes of bodies a second here; wait before the next.`,
        ((1 - bucket.bodyBytes) / bodyBytesPerSecond) * 1_000,
      )
    },
    body: (key, bytes) => {
      if (bodyBytesPerSecond > 0) bucketOf(key).bodyBytes -= bytes
    },
    standing: (key) => {
      if (requestsPerSecond === 0 || !buckets.has(key)) return undefined
      const { requests } = bucketOf(key)
      return {
        limit: burst,
        remaining: Math.floor(requests),
        resetSeconds: Math.ceil((burst - requests) / requestsPerSecond),
      }
    },
  }
}
