import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { wholeNumber } from '../command/whole-number.ts'
import { listAuctions } from './list-auctions.ts'
import { showAuction } from './show-auction.ts'
import { verifyAuction } from './verify-auction.ts'

export const addAuctionCommands = (program: Command, act: Act): void => {
  const auction = program.command('auction').description('see sealed auctions, and check who should have won')
  auction
    .command('list <job>')
    .description('the sealed auctions of a job')
    .option('--limit <count>', 'at most so many', wholeNumber(1, 200), 100)
    .action((job: string, options: { limit: number }, command: Command) =>
      act(command.optsWithGlobals(), (session) => listAuctions(session, job, options)),
    )
  auction
    .command('show <auction>')
    .description('every bid of an auction and what it won; an id, or a file')
    .option('--out <file>', 'write the transcript to a file')
    .action((given: string, options: { out?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => showAuction(session, given, options)),
    )
  auction
    .command('verify <auction>')
    .description('run the rule of an auction again; a file needs no market')
    .option('--market-address <address>', 'the market that is trusted; default that of the context file')
    .action((given: string, options: { marketAddress?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => verifyAuction(session, given, options)),
    )
}
