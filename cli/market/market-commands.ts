import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import type { Session } from '../command/session.ts'
import { verbsOfBinaries } from '../spawn/spawn-binary.ts'
import { wholeNumber } from '../command/whole-number.ts'
import { createAdminKey, listAdminKeys, revokeAdminKey } from './admin-key.ts'
import { backupMarket, type BackupOptions } from './backup-market.ts'
import { allowSubject, denySubject, listDenials, type DenyOptions } from './deny-subject.ts'
import { eraseTenant, type EraseOptions } from './erase-tenant.ts'
import { drainMarket, undrainMarket, type DrainOptions } from './drain-market.ts'
import { listTenants } from './list-tenants.ts'
import { showLog } from './show-log.ts'
import { showStatus } from './show-status.ts'

const why = ['--reason <text>', 'why, for the admin log'] as const
const kinds = 'tenant, program, region or provider'

export const addMarketCommands = (program: Command, act: Act): void => {
  const market = program
    .command('market')
    .description('run a node of a market (muster market --help), and look after it')
    .addHelpText(
      'after',
      '\nThese need an admin key: beside --market as --key, or MUSTER_API_KEY, or that of the context file.\ndatabase and restore run without a market: muster market restore --help',
    )
  for (const [verb, description] of Object.entries(verbsOfBinaries.market))
    market.command(verb).description(description)
  const run =
    <Options>(work: (session: Session, options: Options) => Promise<number>) =>
    (options: Options, command: Command) =>
      act(command.optsWithGlobals(), (session) => work(session, options))

  market.command('status').description('how the node is: links, jobs, store, disk, ledger').action(run(showStatus))
  market
    .command('drain')
    .description('take no new jobs; those there are run to their end')
    .requiredOption('--reason <text>', 'what tenants are told')
    .option('--wait', 'stay until no job is left')
    .action(run<DrainOptions>(drainMarket))
  market
    .command('undrain')
    .description('take new jobs again')
    .requiredOption(...why)
    .action(run<{ reason: string }>(undrainMarket))
  market
    .command('backup <file-or-directory>')
    .description('all tables as they are now, signed, into a new file')
    .option('--with-key', 'and the market’s key, under the passphrase in MUSTER_BACKUP_PASSPHRASE')
    .option(...why)
    .action((target: string, options: BackupOptions, command: Command) =>
      act(command.optsWithGlobals(), (session) => backupMarket(session, target, options)),
    )
  market
    .command('log')
    .description('what admins did, and why')
    .option('--limit <count>', 'at most so many', wholeNumber(1, 1000), 50)
    .option('--before <action>', 'only what came before this one')
    .action(run<{ limit: number; before?: string }>(showLog))
  market
    .command('deny <kind> <subject>')
    .description(`take nothing new of a ${kinds}`)
    .requiredOption('--reason <text>', 'why; the denied one reads it')
    .option('--for <time>', 'how long, such as 12h or 7d; else until it is allowed')
    .option('--stop', 'end what runs at once, too')
    .action((kind: string, subject: string, options: DenyOptions, command: Command) =>
      act(command.optsWithGlobals(), (session) => denySubject(session, kind, subject, options)),
    )
  market
    .command('allow <kind> <subject>')
    .description('end a denial')
    .option(...why)
    .action((kind: string, subject: string, options: { reason?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => allowSubject(session, kind, subject, options)),
    )
  market.command('denials').description('who and what is denied, and why').action(run(listDenials))
  market
    .command('tenants [tenant]')
    .description('the tenants, or the jobs of one')
    .option(...why)
    .action((tenant: string | undefined, options: { reason?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => listTenants(session, tenant, options)),
    )
  market
    .command('erase <tenant>')
    .description('make the names of a tenant, its keys and its jobs unreadable for good')
    .requiredOption(...why)
    .option('--yes', 'do not ask')
    .action((tenant: string, options: EraseOptions, command: Command) =>
      act(command.optsWithGlobals(), (session) => eraseTenant(session, tenant, options)),
    )
  const key = market.command('key').description('admin keys, each with a role').helpCommand(false)
  key
    .command('create <name>')
    .description('another admin key')
    .requiredOption('--role <role>', 'owner, operator, support or auditor')
    .option(...why)
    .action((name: string, options: { role: string; reason?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => createAdminKey(session, name, options)),
    )
  key.command('list').description('the admin keys that were made').action(run(listAdminKeys))
  key
    .command('revoke <key>')
    .description('make an admin key useless')
    .option(...why)
    .action((text: string, options: { reason?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => revokeAdminKey(session, text, options)),
    )
}
