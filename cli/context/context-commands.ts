import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { addContext } from './add-context.ts'
import { listContexts } from './list-contexts.ts'
import { removeContext } from './remove-context.ts'

export const addContextCommands = (program: Command, act: Act): void => {
  const context = program.command('context').description('the markets that your jobs may go to')
  context
    .command('list')
    .description('the markets in use, and where they come from')
    .action((_: unknown, command: Command) => act(command.optsWithGlobals(), listContexts))
  context
    .command('add')
    .argument('<url>', 'of the market')
    .description('keeps one more market in the context file, with the API key given as --key')
    .option('--first', 'make it the one that counts where only one can')
    .action((url: string, options: { readonly first?: boolean }, command: Command) =>
      act(command.optsWithGlobals(), (session) => addContext(session, url, command.optsWithGlobals(), options)),
    )
  context
    .command('remove')
    .argument('<url>', 'of the market')
    .description('forgets a market and its key; jobs there run on')
    .action((url: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => removeContext(session, url)),
    )
}
