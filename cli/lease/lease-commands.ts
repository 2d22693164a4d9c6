import { durationSchema } from '@muster/protocol'
import { InvalidArgumentError, type Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { extendLease } from './extend-lease.ts'
import { listLeases } from './list-leases.ts'

const duration = (text: string): number => {
  const parsed = durationSchema.safeParse(text)
  if (parsed.success && parsed.data > 0) return parsed.data
  throw new InvalidArgumentError('Expected a time such as 30m or 2h.')
}

export const addLeaseCommands = (program: Command, act: Act): void => {
  const lease = program.command('lease').description('see what your jobs have leased, and keep it longer')
  lease
    .command('list [job]')
    .description('the leases of a job, or of all jobs that are not closed')
    .option('--all', 'those that are closed, too')
    .action((job: string | undefined, options: { all?: boolean }, command: Command) =>
      act(command.optsWithGlobals(), (session) => listLeases(session, job, options)),
    )
  lease
    .command('extend <lease>')
    .description('have a lease last longer, at its price, if its provider agrees')
    .requiredOption('--for <time>', 'how much longer, such as 30m or 2h', duration)
    .option('--job <job>', 'whose lease it is; else your open jobs are looked through')
    .action((id: string, options: { for: number; job?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => extendLease(session, id, options)),
    )
}
