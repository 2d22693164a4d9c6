import { styleFor, systemTerminal } from '@muster/cli'
import { parsePort } from './parse-port.ts'
import { readFlags } from './read-flags.ts'
import { runDevnet } from './run-devnet.ts'
import { showNetwork, showUrls } from './show-network.ts'

const usage = `muster up [--port PORT]

Brings up a market and four agents on this machine, until Ctrl-C.

  --port PORT   the market's port, 7600 unless told; 0 takes a free one`

const port = readFlags(usage, { port: { type: 'string', default: '7600' } }, (written) => parsePort(written.port))
const terminal = systemTerminal(process)
const style = styleFor(terminal)

process.exitCode = await runDevnet({ terminal, isOnce: false, port }, (devnet) => {
  terminal.stdout.write(showNetwork(devnet, style))
  terminal.stdout.write(showUrls(devnet, style))
  return new Promise<number>(() => {})
}).catch((error: unknown) => {
  terminal.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  return 1
})
