import {
  MusterError,
  type Address,
  type Hex,
  type SignatureDomain,
  type SignedStatementRequest,
  type Statement,
  type Verifier,
} from '@muster/protocol'
import { createChallenges } from '../link/challenge.ts'
import { writeStatement, type StatementModules } from './write-statement.ts'

export interface ShowStatementModules extends StatementModules {
  readonly verifier: Verifier
}

export interface StatementDesk {
  /** A challenge for a provider to sign. */
  issue(provider: Address): {
    readonly challenge: Hex
    readonly market: Address
    readonly chainId: number
    readonly at: number
  }
  /**
   * The statement, to whoever holds the provider's key. Rejects `signature_invalid`, `record_expired`, `rate_limited`, and what
   * `writeStatement` rejects.
   */
  show(signed: SignedStatementRequest): Promise<Statement>
}

/** Requests answered within the life of a challenge: each reads a part of the store. */
const maxAnswered = 1_000

const otherMarket = (expected: SignatureDomain, found: Address): MusterError =>
  new MusterError({
    code: 'signature_invalid',
    message: 'This request was signed for another market.',
    facts: { expected: expected.market, found },
  })

const tooMany = (provider: Address): MusterError =>
  new MusterError({
    code: 'rate_limited',
    message: 'A statement is being written for this provider; ask for the next one after it.',
    facts: { provider },
    fault: 'provider',
  })

export const createStatementDesk = (modules: ShowStatementModules): StatementDesk => {
  const { world, domain, verifier } = modules
  const challenges = createChallenges(world, maxAnswered)
  const writing = new Set<Address>()
  return {
    issue: (provider) => ({
      challenge: challenges.issue(provider),
      market: domain.market,
      chainId: domain.chainId,
      at: world.now(),
    }),
    show: async (signed) => {
      const { market, provider, challenge, from, to } = signed.record
      if (market !== domain.market) throw otherMarket(domain, market)
      challenges.check(provider, challenge)
      verifier.requireSigner(domain, signed, provider)
      if (writing.has(provider)) throw tooMany(provider)
      challenges.redeem(provider, challenge)
      writing.add(provider)
      try {
        return await writeStatement({ provider, from, to }, modules)
      } finally {
        writing.delete(provider)
      }
    },
  }
}
