import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { showAccount } from './show-account.ts'
import { showRunway } from './show-runway.ts'

export const addAccountCommands = (program: Command, act: Act): void => {
  const account = program.command('account').description('see your money and how long it lasts')
  account
    .command('show')
    .description('whose key this is, the balance, what is in escrow, and whether it runs low')
    .action((_: unknown, command: Command) => act(command.optsWithGlobals(), showAccount))
  account
    .command('runway')
    .description('how long the money lasts as it is being spent now, and by which jobs')
    .action((_: unknown, command: Command) => act(command.optsWithGlobals(), showRunway))
}
