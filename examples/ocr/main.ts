// Reads scanned pages on the network: `node run.mjs examples/ocr/main.ts [--input FILE_OR_FOLDER] [--out FOLDER]`
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createProgress, readContext, renderError, styleFor, systemTerminal, type ProgressBar } from '@muster/cli'
import { createMuster, MusterError } from '@muster/sdk'
import { judgeRun } from './network/judge-run.ts'
import type { Wave } from './network/network-models.ts'
import { readInput } from './network/read-input.ts'
import { runOnNetwork } from './network/run-on-network.ts'
import { summariseRun } from './network/summarise-run.ts'
import { writeOut } from './network/write-out.ts'

const { values } = parseArgs({
  options: {
    input: { type: 'string' },
    out: { type: 'string', default: 'out' },
    slots: { type: 'string', default: '4' },
    'max-nano-usd-per-operator': { type: 'string', default: '50' },
  },
})

const terminal = systemTerminal(process)
const style = styleFor(terminal)
const progress = createProgress(terminal)

const connect = async () => {
  const context = (await readContext(process.env, process.cwd()))?.context
  const url = process.env['MUSTER_URL'] ?? context?.url
  if (url === undefined)
    throw new Error('No market is known here: run `npm start`, or set MUSTER_URL and MUSTER_API_KEY.')
  return createMuster({ url, apiKey: process.env['MUSTER_API_KEY'] ?? context?.apiKey })
}

const labels: Readonly<Record<Wave, string>> = {
  detection: 'Finding text on the pages',
  recognition: 'Reading the pieces of text',
}
const bars = new Map<Wave, ProgressBar>()

const showWave = (wave: Wave, done: number, total: number): void => {
  step?.remove()
  const bar = bars.get(wave) ?? progress.bar(labels[wave], total)
  bars.set(wave, bar)
  bar.update({ done, total })
  if (done === total) bar.succeed()
}

let step: ProgressBar | undefined

const showStep = (label: string): void => {
  step?.remove()
  step = progress.bar(label)
}

const run = async (): Promise<number> => {
  const pages = await readInput(values.input)
  const muster = await connect()
  const { address } = await muster.market()
  const result = await runOnNetwork(muster, pages, {
    market: address,
    slots: Number(values.slots),
    maxNanoUsdPerOperator: BigInt(values['max-nano-usd-per-operator']),
    onStep: showStep,
    onProgress: showWave,
  })
  const out = path.resolve(values.out)
  await writeOut(result, out)
  step?.remove()
  progress.stop()
  const complaints = judgeRun(result)
  const width = Math.min(terminal.stdout.columns, 120)
  terminal.stdout.write(`\n${summariseRun(result, complaints, style, width)}`)
  terminal.stdout.write(`Text and receipts are in ${path.relative(process.cwd(), out) || out}.\n`)
  return complaints.length === 0 ? 0 : 1
}

process.exitCode = await run().catch((error: unknown) => {
  progress.stop()
  terminal.stderr.write(error instanceof MusterError ? renderError(error, terminal, false) : `${String(error)}\n`)
  return 1
})
