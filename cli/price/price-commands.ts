import { Option, type Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { wholeNumber } from '../command/whole-number.ts'
import { auditPrices } from './audit-prices.ts'
import { showHistory, type HistoryOptions } from './show-history.ts'
import { showIndex } from './show-index.ts'

export const addPriceCommands = (program: Command, act: Act): void => {
  const price = program.command('price').description('see what machines cost')
  price
    .command('index')
    .description('what was paid over the last seven days, by kind of slot and region')
    .action((_: unknown, command: Command) => act(command.optsWithGlobals(), (session) => showIndex(session)))
  price
    .command('history <kind>')
    .description('what was paid for a kind of slot, drawn over time: nvidia-h100, cpu')
    .option('--region <region>', 'of one region; left out, of all together')
    .addOption(
      new Option('--per <unit>', 'sold by it; left out, the first of these with a price').choices([
        'hour',
        'operator',
        'task',
      ]),
    )
    .addOption(new Option('--step <span>', 'a price for each').choices(['hour', 'day']).default('day'))
    .option('--spans <count>', 'so many of them, to now', wholeNumber(1, 900))
    .action((kind: string, options: HistoryOptions, command: Command) =>
      act(command.optsWithGlobals(), (session) => showHistory(session, kind, options)),
    )
  price
    .command('audit')
    .description('for the operator: whether prices rest on what receipts say')
    .option('--hours <count>', 'of so many hours back', wholeNumber(1, 9_600), 168)
    .action((options: { hours: number }, command: Command) =>
      act(command.optsWithGlobals(), (session) => auditPrices(session, options)),
    )
}
