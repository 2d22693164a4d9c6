import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { inspectProgram } from './inspect-program.ts'
import { publishProgram } from './publish-program.ts'

export const addProgramCommands = (root: Command, act: Act): void => {
  const program = root.command('program').description('publish ONNX models as programs')
  program
    .command('publish <file>')
    .description('check an ONNX file and store it as a program')
    .option('--dry-run', 'check only; needs no market')
    .action((file: string, options: { dryRun?: boolean }, command: Command) =>
      act(command.optsWithGlobals(), (session) => publishProgram(session, file, options)),
    )
  program
    .command('inspect <file-or-cid>')
    .description('what a program takes and gives')
    .action((given: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => inspectProgram(session, given)),
    )
}
