import { expect, test } from 'vitest'
import { systemWorld, type Address, type Hex, type World } from '@muster/protocol'
import { challengeLifetimeMs, createChallenges } from './challenge.ts'

const provider = `0x${'11'.repeat(20)}` as Address
const other = `0x${'22'.repeat(20)}` as Address

const start = (maxUsed = 100) => {
  let elapsed = 5_000
  const world: World = { ...systemWorld, elapsed: () => elapsed }
  return { challenges: createChallenges(world, maxUsed), pass: (ms: number) => (elapsed += ms) }
}

const code = (code: string) => expect.objectContaining({ code })

test('a challenge is good once, for whom it was issued to, while it is young', () => {
  const { challenges, pass } = start()
  const challenge = challenges.issue(provider)
  expect(() => challenges.redeem(other, challenge)).toThrow(code('signature_invalid'))
  pass(challengeLifetimeMs)
  challenges.redeem(provider, challenge)
  expect(() => challenges.redeem(provider, challenge)).toThrow(code('signature_invalid'))
  expect(() => challenges.check(provider, challenge)).toThrow(code('signature_invalid'))
})

test('an old challenge is refused, and the agent may ask for another at once', () => {
  const { challenges, pass } = start()
  const challenge = challenges.issue(provider)
  pass(challengeLifetimeMs + 1)
  expect(() => challenges.redeem(provider, challenge)).toThrow(
    expect.objectContaining({ code: 'record_expired', retry: 'now' }),
  )
})

test('a challenge of another process, or changed in one digit, is refused', () => {
  const { challenges } = start()
  expect(() => challenges.redeem(provider, start().challenges.issue(provider))).toThrow(code('signature_invalid'))
  const challenge = challenges.issue(provider)
  for (let at = 2; at < 66; at++) {
    const digit = challenge[at] === '0' ? '1' : '0'
    const changed = `${challenge.slice(0, at)}${digit}${challenge.slice(at + 1)}` as Hex
    expect(() => challenges.redeem(provider, changed)).toThrow(code('signature_invalid'))
  }
})

test('used challenges are bounded in number, and room comes back with time', () => {
  const { challenges, pass } = start(3)
  for (let i = 0; i < 3; i++) challenges.redeem(provider, challenges.issue(provider))
  expect(() => challenges.redeem(provider, challenges.issue(provider))).toThrow(code('rate_limited'))
  pass(challengeLifetimeMs + 1)
  challenges.redeem(provider, challenges.issue(provider))
})
