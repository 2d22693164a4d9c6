import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { wholeNumber } from '../command/whole-number.ts'
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
}
