import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { auditLedger } from './audit-ledger.ts'
import { refund, type RefundOptions } from './refund.ts'
import { showStatement, type StatementOptions } from './show-statement.ts'

interface StatementFlags extends StatementOptions {
  readonly key?: string
}

/** What operators and providers do with the ledger. */
export const addLedgerCommands = (program: Command, act: Act): void => {
  const ledger = program.command('ledger').description('for the operator: prove the ledger, give money back')
  ledger
    .command('audit')
    .description('work every balance out afresh from receipts and entries, and say what does not add up')
    .action((_: unknown, command: Command) => act(command.optsWithGlobals(), auditLedger))
  ledger
    .command('refund <receipt-or-job>')
    .description('give a tenant a receipt back, or an amount of what was paid for a job')
    .requiredOption('--reason <sentence>', 'why; it is kept with the entry')
    .option('--amount <dollars>', 'of a job: how much')
    .option('--once <entry>', 'id of an entry of your making; a call that is repeated with it refunds once')
    .action((what: string, options: RefundOptions, command: Command) =>
      act(command.optsWithGlobals(), (session) => refund(session, what, options)),
    )
  program
    .command('statement')
    .description(
      'for a provider: what its machines earned, receipt by receipt (here --key names the key file of its agent)',
    )
    .option('--from <date>', 'from this day on, such as 2026-11-01 (UTC); default the first of this month')
    .option('--to <date>', 'before this day; default now')
    .option('--csv', 'one line a receipt, for a spreadsheet')
    .action((_: unknown, command: Command) => {
      const { key, ...flags } = command.optsWithGlobals<StatementFlags & Parameters<Act>[0]>()
      return act(flags, (session) => showStatement(session, key, flags))
    })
}
