import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { wholeNumber } from '../command/whole-number.ts'
import { cancelOrder } from './cancel-order.ts'
import { listOrders } from './list-orders.ts'
import { placeOrder } from './place-order.ts'
import { showOrder } from './show-order.ts'
import type { WrittenTerms } from './written-terms.ts'

export const addOrderCommands = (program: Command, act: Act): void => {
  const order = program.command('order').description('standing orders: jobs that begin when the supply can take them')
  order
    .command('place <file>')
    .description('leave a job file with the market; it becomes a job when enough is free at its price')
    .option('--times <count>', 'so many jobs, one after the other (default: 1)', wholeNumber(1, 10_000))
    .option('--always', 'as many jobs as come about, within --at-most')
    .option('--until <date>', 'no job after that: 2026-12-31, or 7d from now (default: 30d)')
    .option('--cooldown <time>', 'this long between jobs, such as 30m')
    .option('--at-most <usd>', 'what all its jobs may cost together')
    .action((file: string, options: WrittenTerms, command: Command) =>
      act(command.optsWithGlobals(), (session) => placeOrder(session, file, options)),
    )
  order
    .command('list')
    .description('your standing orders, newest first')
    .option('--limit <count>', 'at most so many', wholeNumber(1, 100), 20)
    .option('--before <order>', 'those older than this one')
    .action((options: { limit: number; before?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => listOrders(session, options)),
    )
  order
    .command('show <order>')
    .description('one standing order and what happened to it')
    .action((id: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => showOrder(session, id)),
    )
  order
    .command('cancel <order>')
    .description('no more jobs of it; one that is under way goes on')
    .action((id: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => cancelOrder(session, id)),
    )
}
