// `npm run -s bench -- NAME [--json]`: a table for people; with --json one JSON object on the last line.
import { parseArgs } from 'node:util'
import { renderTable, styleFor, systemTerminal } from '@muster/cli'
import type { BenchResult } from './bench-result.ts'

const benches: Readonly<Record<string, () => Promise<() => Promise<BenchResult>>>> = {
  task: async () => (await import('./task/task-bench.ts')).runTaskBench,
  link: async () => (await import('./link/link-bench.ts')).runLinkBench,
  start: async () => (await import('./start/start-bench.ts')).runStartBench,
  auction: async () => (await import('./auction/auction-bench.ts')).runAuctionBench,
  cluster: async () => (await import('./cluster/cluster-bench.ts')).runClusterBench,
  match: async () => (await import('./match/match-bench.ts')).runMatchBench,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
})
const [name = ''] = positionals
const load = benches[name]
if (load === undefined) {
  process.stderr.write(`usage: npm run -s bench -- ${Object.keys(benches).join(' | ')} [--json]\n`)
  process.exit(2)
}

const rounded = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3))

const result = await (await load())()
const terminal = systemTerminal(process)
const style = styleFor(terminal)
const rows = [
  ...Object.entries(result.figures).map(([figure, value]) => [figure, rounded(value), '']),
  ...Object.entries(result.ratios).map(([ratio, value]) => [ratio, '', `${rounded(value)} ×`]),
]
const columns = [
  { title: result.bench },
  { title: 'figure', align: 'right' as const },
  { title: 'ratio', align: 'right' as const },
]
terminal.stdout.write(renderTable(columns, rows, { style }))
terminal.stdout.write(
  style.dim(
    `${Object.entries(result.machine)
      .map(([key, value]) => `${key} ${String(value)}`)
      .join(', ')}\n`,
  ),
)
if (values.json) terminal.stdout.write(`${JSON.stringify(result)}\n`)
process.exit(0)
