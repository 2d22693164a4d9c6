import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { getBlob, type GetOptions } from './get-blob.ts'
import { putBlobs } from './put-blobs.ts'

export const addBlobCommands = (program: Command, act: Act): void => {
  const blob = program.command('blob').description('store and fetch bytes by the SHA-256 of what they are')
  blob
    .command('put <files...>')
    .description('store files; prints their CIDs')
    .action((files: string[], _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => putBlobs(session, files)),
    )
  blob
    .command('get <cid>')
    .description('fetch a blob, checked against its CID')
    .option('-o, --output <file>', 'where to; default standard output')
    .action((cid: string, options: GetOptions, command: Command) =>
      act(command.optsWithGlobals(), (session) => getBlob(session, cid, options)),
    )
}
