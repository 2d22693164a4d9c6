import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { listReceipts } from './list-receipts.ts'
import { verifyReceipts, type VerifyOptions } from './verify-receipts.ts'

export const addReceiptCommands = (program: Command, act: Act): void => {
  const receipt = program.command('receipt').description('see and check what was charged')
  receipt
    .command('list <job>')
    .description('the receipts of a job')
    .option('--out <directory>', 'write each to a file, with all it takes to check them')
    .action((job: string, options: { out?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => listReceipts(session, job, options)),
    )
  receipt
    .command('verify <paths...>')
    .description('check receipts in files and folders, offline')
    .option('--market-address <address>', 'the market that is trusted; default that of the context file')
    .option('--tenant-address <address>', 'the tenant’s key; default that of the context file')
    .action((paths: string[], options: VerifyOptions, command: Command) =>
      act(command.optsWithGlobals(), (session) => verifyReceipts(session, paths, options)),
    )
}
