import { checkStatement, MusterError, type Address, type World } from '@muster/protocol'
import { createMemoryStore } from '@muster/market'
import { auditLedger } from '../../../market/ledger/audit/audit-ledger.ts'
import { createRefund } from '../../../market/ledger/refund.ts'
import { writeStatement } from '../../../market/ledger/write-statement.ts'
import type { PlantedBug } from '../../../market/planted-bug.ts'
import type { MarketNode } from '../process/market-node.ts'
import type { Run } from '../process/run.ts'
import { chainId } from '../process/keys.ts'
import { createProcessWorld } from '../world/process-world.ts'

export interface MoneyOfRun {
  readonly run: Run
  readonly node: MarketNode
  readonly providers: Iterable<Address>
  readonly bugs: ReadonlySet<PlantedBug>
}

/** Time has come to its end, and whoever waits goes on at once. */
const afterTime = (run: Run): World => ({
  ...createProcessWorld(run.timeline, run.random.fork('operator')).world,
  after: (_, action) => {
    queueMicrotask(action)
    return { cancel: () => {} }
  },
})

/**
 * The operator looks at the books, refunds a receipt twice, as one does whose first answer was lost and who kept no key, and
 * writes every provider its statement.
 */
export const checkMoney = async ({ run, node, providers, bugs }: MoneyOfRun): Promise<void> => {
  const wrong = (message: string) => run.violations.report('books-add-up', message)
  const store = createMemoryStore({ disk: node.disk })
  const world = afterTime(run)
  const domain = { chainId, market: node.address }
  const audit = async (when: string) => {
    const { checks } = await auditLedger({ world, store })
    for (const { name, faults } of checks)
      for (const { subject, message } of faults) wrong(`${when}, ${name}: ${subject}: ${message}`)
  }
  await audit('at the end')
  const paid = [...run.jobs.receipts.values()].toSorted()
  const receipt = paid[paid.length >> 1]
  if (receipt !== undefined) {
    const refund = createRefund({ world, store, domain, signer: run.keys.signerOf(run.market), bugs })
    const input = { of: { type: 'receipt', receipt }, reason: 'blank pages', idempotencyKey: undefined } as const
    await refund(input)
    await refund(input).catch((error: unknown) => {
      if (!(error instanceof MusterError)) throw error
    })
    await audit('after a refund')
  }
  const to = world.now() + 1
  for (const provider of providers) {
    const statement = await writeStatement(
      { provider, from: 0, to },
      { world: { ...world, now: () => to }, store, domain, bugs },
    )
    for (const fault of checkStatement(statement).faults) wrong(`the statement of ${run.nameOf(provider)}: ${fault}`)
  }
}
