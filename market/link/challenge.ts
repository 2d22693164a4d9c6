import { createHmac, timingSafeEqual } from 'node:crypto'
import { fromHex, MusterError, toHex, type Address, type Hex, type World } from '@muster/protocol'

export const challengeLifetimeMs = 30_000

const timeBytes = 6
const nonceBytes = 10
const openBytes = timeBytes + nonceBytes

export interface Challenges {
  issue(provider: Address): Hex
  /** Throws `signature_invalid` on a challenge not issued here, to somebody else, or used; `record_expired` on an old one. */
  check(provider: Address, challenge: Hex): void
  /** As `check`, and the challenge is used up; `rate_limited` while too many were used lately. */
  redeem(provider: Address, challenge: Hex): void
}

const refuse = (message: string, facts: Record<string, unknown> = {}): MusterError =>
  new MusterError({ code: 'signature_invalid', message, facts })

/**
 * Challenges that cost no memory until they are answered: a time and a nonce, then half an HMAC-SHA-256 over both and the
 * provider under a key of this process. Only used ones are remembered, and only while they could be used again.
 */
export const createChallenges = (world: World, maxUsed: number): Challenges => {
  const key = world.random(32)
  const start = world.elapsed()
  /** In the order of use, which is close to the order of expiry. */
  const used = new Map<Hex, number>()

  const now = (): number => Math.floor(world.elapsed() - start)
  const macOf = (provider: Address, open: Uint8Array): Buffer =>
    createHmac('sha256', key).update(provider).update(open).digest().subarray(0, 16)

  const forgetOld = (): void => {
    const oldest = now() - challengeLifetimeMs
    for (const [challenge, at] of used) {
      if (at >= oldest) break
      used.delete(challenge)
    }
  }

  const check: Challenges['check'] = (provider, challenge) => {
    const bytes = Buffer.from(fromHex(challenge))
    const open = bytes.subarray(0, openBytes)
    if (!timingSafeEqual(bytes.subarray(openBytes), macOf(provider, open)))
      throw refuse('This challenge was not issued by this market to this provider.', { provider })
    const ageMs = now() - open.readUIntBE(0, timeBytes)
    if (ageMs > challengeLifetimeMs) {
      throw new MusterError({
        code: 'record_expired',
        message: 'This challenge is too old: ask for a new one.',
        facts: { ageMs, maxAgeMs: challengeLifetimeMs },
        retry: 'now',
      })
    }
    if (used.has(challenge)) throw refuse('This challenge was used before.', { provider })
  }

  return {
    issue: (provider) => {
      const open = Buffer.alloc(openBytes)
      open.writeUIntBE(now(), 0, timeBytes)
      open.set(world.random(nonceBytes), timeBytes)
      return toHex(Buffer.concat([open, macOf(provider, open)]))
    },
    check,
    redeem: (provider, challenge) => {
      check(provider, challenge)
      forgetOld()
      if (used.size >= maxUsed) {
        throw new MusterError({
          code: 'rate_limited',
          message: 'Too many agents are linking at once; try again shortly.',
          retryAfterMs: challengeLifetimeMs,
          fault: 'market',
        })
      }
      used.set(challenge, now())
    },
  }
}
