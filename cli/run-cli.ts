import { MusterError, toJson, toProblem } from '@muster/sdk'
import { CommanderError, type Command } from 'commander'
import { buildProgram } from './command/build-program.ts'
import { openSession, type GlobalFlags, type Shell } from './command/session.ts'
import { renderError } from './error/render-error.ts'
import { exitCodeOf, exitCodes } from './exit/exit-codes.ts'

/** The command that was meant as far as it was found, and how it is called. */
const commandOf = (program: Command, argv: readonly string[]): { command: Command; called: string } => {
  let [command, called] = [program, 'muster']
  for (const word of argv) {
    const next = command.commands.find((each) => each.name() === word)
    if (next !== undefined) [command, called] = [next, `${called} ${word}`]
  }
  return { command, called }
}

const usageError = (error: CommanderError, program: Command, argv: readonly string[]): MusterError => {
  const { command, called } = commandOf(program, argv)
  const text = error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/ ?\((Did you mean .*\?)\)$/, '. $1')
    .replace(/(?<![?.])$/, '.')
  const isUnknown = error.code === 'commander.unknownCommand' && !text.endsWith('?')
  const expected = isUnknown ? { expected: command.commands.map((each) => each.name()).join(', ') } : {}
  return new MusterError({
    code: 'request_invalid',
    message: `${text.charAt(0).toUpperCase()}${text.slice(1)}`,
    facts: { ...expected, see: `${called} --help` },
  })
}

const fault = (error: unknown): MusterError =>
  new MusterError({
    code: 'internal',
    message: 'This program has a fault; run it again with --verbose and report what it says.',
    facts: { found: error instanceof Error ? `${error.name}: ${error.message}` : String(error) },
    fault: 'program',
    cause: error,
  })

const isFileError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && 'syscall' in error && 'path' in error

const fileError = (error: NodeJS.ErrnoException): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: `Cannot ${error.syscall} ${error.path}: ${error.message.replace(/^[A-Z]+: /, '').replace(/, .*$/, '')}.`,
    facts: { file: error.path, found: error.code },
    cause: error,
  })

/**
 * Runs the command line. Gives the exit status; see docs/guides/cli.md. Writes to the shell's terminal only, and with --json
 * exactly one document to standard output, `{"error": …}` where it fails.
 */
export const runCli = async (argv: readonly string[], shell: Shell): Promise<number> => {
  const flags: GlobalFlags = { json: argv.includes('--json'), verbose: argv.includes('--verbose') }
  const fail = (error: MusterError): number => {
    const { terminal } = shell
    if (flags.json === true) terminal.stdout.write(`${toJson({ error: toProblem(error) })}\n`)
    else terminal.stderr.write(renderError(error, terminal, flags.verbose === true))
    return exitCodeOf(error)
  }
  let status: number = exitCodes.ok
  const program = buildProgram(shell.terminal, async (given, run) => {
    const session = openSession(shell, given)
    try {
      status = await run(session)
    } finally {
      session.progress.stop()
    }
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return status
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.ok
      if (error.code === 'commander.help') return exitCodes.usage
      return fail(usageError(error, program, argv))
    }
    if (shell.signal.aborted) return exitCodes.interrupted
    if (error instanceof MusterError) return fail(error)
    if (isFileError(error)) return fail(fileError(error))
    fail(fault(error))
    return exitCodes.fault
  }
}
