import { formatUsd } from '@muster/sdk'
import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { renderFacts } from '../terminal/render-facts.ts'

/** `muster account show` */
const showAccount = async (session: Session): Promise<number> => {
  const muster = await session.connect()
  const account = await muster.account({ signal: session.signal })
  session.print(account, () =>
    renderFacts(
      [
        ['account', session.style.bold(account.tenant)],
        ['market', muster.url],
        ['key', `${account.address} (kept by ${account.custody === 'tenant' ? 'you' : 'the market'})`],
        ['balance', formatUsd(account.balance)],
        ['in escrow', formatUsd(account.escrow)],
      ],
      { style: session.style },
    ),
  )
  return exitCodes.ok
}

export const addAccountCommands = (program: Command, act: Act): void => {
  const account = program.command('account').description('see your balance')
  account
    .command('show')
    .description('whose key this is, the balance and what is in escrow')
    .action((_: unknown, command: Command) => act(command.optsWithGlobals(), showAccount))
}
