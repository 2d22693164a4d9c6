import { sleep, type Address } from '@muster/protocol'
import { settleAttempts } from '../attempt/settle-attempts.ts'
import type { AgentContext } from '../context.ts'
import { endLease } from '../lease/end-lease.ts'
import { returnLeases } from '../lease/return-leases.ts'
import { releaseAll } from '../reservation/release-all.ts'

const lookMs = 100

const leasesOf = ({ book }: AgentContext, market: Address) =>
  [...book.leases.values()].filter(({ signed }) => signed.record.market === market)

const attemptsOf = ({ book }: AgentContext, market: Address) =>
  [...book.attempts.values()].filter((attempt) => attempt.market === market)

const waitWhile = async ({ world, signal }: AgentContext, mostMs: number, isSo: () => boolean): Promise<void> => {
  const startedAt = world.elapsed()
  while (isSo() && world.elapsed() - startedAt < mostMs) await sleep(world, lookMs, signal)
}

/**
 * Ends what the agent has with one market: sells it nothing more, gives its reservations up and its leases back with notice, and
 * resolves once running attempts have finished (within `drainMs`) and their claims are settled (within `settleMs` more). Claims that
 * are not settled then stay in the journal, for when the market is joined again; with `isForgotten` nothing is waited for and nothing kept.
 */
export const leaveMarket = async (context: AgentContext, market: Address, isForgotten: boolean): Promise<void> => {
  const { options, world, book, markets, offers } = context
  markets.leave(market)
  releaseAll(context, market)
  offers.publish(market)
  offers.changed()
  returnLeases(context, world.now() + (isForgotten ? 0 : options.drainMs), market)
  if (!isForgotten) {
    await waitWhile(context, options.drainMs, () =>
      leasesOf(context, market).some((lease) => lease.queue.size + lease.running.size > 0),
    )
  }
  await context.write(leasesOf(context, market).flatMap((lease) => endLease(context, lease, 'returned')))
  if (!isForgotten) return waitWhile(context, options.settleMs, () => (book.attemptsOf.get(market) ?? 0) > 0)
  const attempts = attemptsOf(context, market).map(({ id }) => id)
  settleAttempts(context, market, attempts)
  context.marketRecords.forget(market)
}
