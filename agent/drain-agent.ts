import { sleep } from '@muster/protocol'
import type { AgentContext } from './context.ts'
import type { JournalChange } from './journal/journal-record.ts'
import { endLease } from './lease/end-lease.ts'
import { returnLeases } from './lease/return-leases.ts'
import { releaseAll } from './reservation/release-all.ts'

const lookMs = 20

const isWorking = ({ book }: AgentContext): boolean => {
  for (const { phase } of book.attempts.values()) if (phase === 'queued' || phase === 'running') return true
  return false
}

/**
 * Closes the door, gives all leases back with notice, and resolves when attempts have finished (within `drainMs`), their
 * outcomes are settled (within `settleMs` more), and the journal holds no lease any more.
 */
export const drainAgent = async (context: AgentContext): Promise<void> => {
  const { options, world, book, signal } = context
  book.door = 'draining'
  releaseAll(context)
  for (const market of context.markets.addresses) context.offers.publish(market)
  returnLeases(context, world.now() + options.drainMs)
  const startedAt = world.elapsed()
  while (isWorking(context) && world.elapsed() - startedAt < options.drainMs) await sleep(world, lookMs, signal)
  const changes: JournalChange[] = []
  for (const lease of [...book.leases.values()]) {
    const isOver = [...lease.queue, ...lease.running].length > 0
    if (isOver) changes.push(...endLease(context, lease, 'returned'))
  }
  await context.write(changes)
  await Promise.race([context.outbox.drained(), sleep(world, options.settleMs, signal)])
  await context.write([...book.leases.values()].flatMap((lease) => endLease(context, lease, 'returned')))
  context.marketRecords.flush()
}
