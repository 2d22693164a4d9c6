import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { wholeNumber } from '../command/whole-number.ts'
import { parseAddress } from './parse-address.ts'
import { listProviders } from './list-providers.ts'
import { showProvider } from './show-provider.ts'

export const addProviderCommands = (program: Command, act: Act): void => {
  const provider = program.command('provider').description('see how providers have done')
  provider
    .command('list')
    .description('what to expect of each provider, by address')
    .option('--limit <count>', 'at most so many', wholeNumber(1, 100), 50)
    .option('--after <address>', 'those after this one')
    .action(({ limit, after }: { limit: number; after?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) =>
        listProviders(session, { limit, ...(after === undefined ? {} : { after: parseAddress(after) }) }),
      ),
    )
  provider
    .command('show <address>')
    .description('the record of a provider, and how it was computed')
    .action((address: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => showProvider(session, parseAddress(address))),
    )
}
