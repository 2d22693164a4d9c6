import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isBug, knownBugs, type Bug } from './bugs.ts'
import { describeSimulated } from './describe-simulated.ts'
import { runSeeds } from './run-seeds.ts'
import { simulate } from './simulate.ts'

const usage = `node run.mjs test/simulator/run-simulator.ts [options]

  --seeds A..B     seeds A to B, B not included (0..2000); or one seed
  --bug NAME       plant a bug: ${knownBugs.join(', ')}
  --trace          print all that happened, for one seed
  --keep-going     do not stop at the first seed that fails
  --workers N      threads (one for each processor)
`

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const parseSeeds = (text: string): { readonly from: number; readonly to: number } => {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(text)
  if (match === null) return fail(`--seeds: expected A..B or one number, found ${text}`)
  const from = Number(match[1])
  return { from, to: match[2] === undefined ? from + 1 : Number(match[2]) }
}

const parse = () => {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: '0..2000' },
        bug: { type: 'string' },
        trace: { type: 'boolean', default: false },
        'keep-going': { type: 'boolean', default: false },
        workers: { type: 'string', default: String(availableParallelism()) },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return fail(String(error))
  }
}

const values = parse()
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const parseBug = (name: string): Bug =>
  isBug(name) ? name : fail(`--bug: expected one of ${knownBugs.join(', ')}, found ${name}`)

const bug = values.bug === undefined ? undefined : parseBug(values.bug)
const planted = bug === undefined ? {} : { bug }
const { from, to } = parseSeeds(values.seeds)

if (values.trace || to - from === 1) {
  const simulated = await simulate(from, { ...planted, keepsStory: values.trace })
  process.stdout.write(`${describeSimulated(simulated, bug, values.trace)}\n`)
  process.exit(simulated.violation === undefined ? 0 : 1)
}

const startedAt = performance.now()
let lastShown = startedAt
const total = await runSeeds({
  from,
  to,
  ...planted,
  workers: Math.max(1, Number(values.workers)),
  keepsGoing: values['keep-going'],
  onFailure: (simulated) => process.stdout.write(`${describeSimulated(simulated, bug, false)}\n\n`),
  onProgress: ({ seeds, failed }) => {
    if (performance.now() - lastShown < 5_000) return
    lastShown = performance.now()
    const rate = (seeds / (lastShown - startedAt)) * 1000
    process.stdout.write(`${seeds} of ${to - from} seeds, ${failed} failed, ${rate.toFixed(1)} seeds/s\n`)
  },
})
const seconds = (performance.now() - startedAt) / 1000
process.stdout.write(
  `${total.seeds} seeds in ${seconds.toFixed(1)} s (${(total.seeds / seconds).toFixed(1)}/s), ${total.failures.length} failed; ` +
    `${total.commits} commits, ${total.snapshots} snapshots, ${total.collected} blobs collected, ${total.runs} runs of tasks, ${(total.virtualMs / 3_600_000).toFixed(1)} hours of virtual time, ` +
    `${total.crashes} crashes of the market; every commit from 0 to ${total.coveredCommits} was crashed at both points; traces ${total.trace}\n`,
)
process.exit(total.failures.length === 0 ? 0 : 1)
