import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { wholeNumber } from '../command/whole-number.ts'
import { attestOffer, type AttestOptions } from './attest-offer.ts'
import { listOffers } from './list-offers.ts'

export const addOfferCommands = (program: Command, act: Act): void => {
  const offer = program.command('offer').description('see what machines are offered')
  offer
    .command('list')
    .description('standing offers, cheapest first')
    .option('--limit <count>', 'at most so many', wholeNumber(1, 1000), 200)
    .action((options: { limit: number }, command: Command) =>
      act(command.optsWithGlobals(), (session) => listOffers(session, options)),
    )
  offer
    .command('attest <provider>')
    .description('for an auditor: sign what you found out about a provider (here --key names the auditor’s key file)')
    .option(
      '--attribute <name=value>',
      'what you stand for; again for each',
      (pair: string, all: string[]) => [...all, pair],
      [],
    )
    .option('--lasts <time>', 'how long it holds', '90d')
    .option('--out <file>', 'add it to this file, which the provider’s agent reads')
    .action((provider: string, _: unknown, command: Command) => {
      const { key, ...flags } = command.optsWithGlobals<
        AttestOptions & { readonly key?: string } & Parameters<Act>[0]
      >()
      return act(flags, (session) => attestOffer(session, provider, key, flags))
    })
}
