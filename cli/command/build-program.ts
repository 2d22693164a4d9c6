import { Command } from 'commander'
import { addAccountCommands } from '../account/account-commands.ts'
import { addAuctionCommands } from '../auction/auction-commands.ts'
import { addBlobCommands } from '../blob/blob-commands.ts'
import { addContextCommands } from '../context/context-commands.ts'
import { addJobCommands } from '../job/job-commands.ts'
import { addKeyCommands } from '../key/key-commands.ts'
import { addLedgerCommands } from '../ledger/ledger-commands.ts'
import { addLeaseCommands } from '../lease/lease-commands.ts'
import { addMarketCommands } from '../market/market-commands.ts'
import { addOfferCommands } from '../offer/offer-commands.ts'
import { addPriceCommands } from '../price/price-commands.ts'
import { addOrderCommands } from '../standing-order/order-commands.ts'
import { addProviderCommands } from '../provider/provider-commands.ts'
import { addProgramCommands } from '../program/program-commands.ts'
import { addReceiptCommands } from '../receipt/receipt-commands.ts'
import { verbsOfBinaries } from '../spawn/spawn-binary.ts'
import type { Terminal } from '../terminal/terminal.ts'
import type { GlobalFlags, Session } from './session.ts'

/** Runs a command in a session of its own and keeps the exit status it gives. */
export type Act = (flags: GlobalFlags, run: (session: Session) => Promise<number>) => Promise<void>

const after = `
Where the market and key come from: --market and --key, else MUSTER_URL and MUSTER_API_KEY, else the file that
\`muster up\` leaves in .muster/context.json (muster context list).
Exit status: 0 ok, 1 the job failed, outputs are missing or a receipt did not pass, 2 usage or a wrong job file,
3 the market cannot be reached, 4 nothing fits, 5 refused, 70 a fault of this program, 130 interrupted.
`

/** Commands of another program: here for their names. */
const addVerbs = (command: Command, verbs: Readonly<Record<string, string>>): void => {
  for (const [verb, description] of Object.entries(verbs)) command.command(verb).description(description)
}

/** The command line as a value. What it is to say goes to the terminal; it never ends the process. */
export const buildProgram = (terminal: Terminal, act: Act): Command => {
  const program = new Command('muster')
    .description('An open network for AI compute: submit jobs, offer machines, check the bill.')
    .version('0.1.0', '-V, --version')
    .option('--market <url>', 'URL of the market; several with commas between them')
    .option('--key <key>', 'API key; one for each market, in the same order')
    .option('--json', 'one JSON document on standard output (one a line for watch)')
    .option('--verbose', 'show the causes of errors')
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      getOutHelpWidth: () => Math.min(terminal.stdout.columns, 100),
      getOutHasColors: () => terminal.hasColor,
      outputError: () => undefined,
    })
    .addHelpText('after', after)
  addJobCommands(program, act)
  addLeaseCommands(program, act)
  addOfferCommands(program, act)
  addOrderCommands(program, act)
  addPriceCommands(program, act)
  addProviderCommands(program, act)
  addProgramCommands(program, act)
  addReceiptCommands(program, act)
  addAuctionCommands(program, act)
  addBlobCommands(program, act)
  addAccountCommands(program, act)
  addKeyCommands(program, act)
  addContextCommands(program, act)
  addLedgerCommands(program, act)
  program.command('up').description('start a whole network on this machine (muster up --help)')
  addMarketCommands(program, act)
  addVerbs(program.command('agent').description('offer this machine (muster agent --help)'), verbsOfBinaries.agent)
  for (const command of program.commands) command.helpCommand(false)
  return program
}
