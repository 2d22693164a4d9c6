import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'

/** `muster key create` */
const createKey = async (session: Session, name: string): Promise<number> => {
  const muster = await session.connect()
  const created = await muster.createKey(name, { signal: session.signal })
  session.print(created, () => {
    const { style } = session
    return `${style.green('✓')} ${created.key}\n\n  ${style.bold(created.apiKey)}\n\nKeep it now; it is shown this once. Revoke it with: muster key revoke ${created.key}\n`
  })
  return exitCodes.ok
}

/** `muster key revoke` */
const revokeKey = async (session: Session, key: string): Promise<number> => {
  const muster = await session.connect()
  await muster.revokeKey(key, { signal: session.signal })
  session.print(
    { key, isRevoked: true },
    () => `${session.style.green('✓')} Revoked ${key}; it works no more within seconds.\n`,
  )
  return exitCodes.ok
}

export const addKeyCommands = (program: Command, act: Act): void => {
  const key = program.command('key').description('make and revoke API keys')
  key
    .command('create <name>')
    .description('another API key for your account')
    .action((name: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => createKey(session, name)),
    )
  key
    .command('revoke <key>')
    .description('make a key useless')
    .action((id: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => revokeKey(session, id)),
    )
}
