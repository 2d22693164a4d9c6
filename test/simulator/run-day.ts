import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { describeDay } from './day/describe-day.ts'
import { runDay } from './day/run-day-in-thread.ts'
import { plotDay } from './day/plot-day.ts'
import type { DayPlan } from './day/day-plan.ts'

const usage = `node run.mjs test/simulator/run-day.ts [options]

  --agents N       10,000
  --tasks N        1,000,000
  --nodes N        of the market (1)
  --hours N        virtual hours in which they come and go (24)
  --seed N         1
  --award RULE     lowest or effective; half of the jobs each, unless it is said
  --new            the market opens today and knows no machine; else it has known them for a month
  --json FILE      where the figures go, and until it is done those of the hours before
  --plot FILE      where the plot goes: an SVG
`

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const parse = () => {
  try {
    return parseArgs({
      options: {
        agents: { type: 'string', default: '10000' },
        tasks: { type: 'string', default: '1000000' },
        nodes: { type: 'string', default: '1' },
        hours: { type: 'string', default: '24' },
        seed: { type: 'string', default: '1' },
        award: { type: 'string', default: 'both' },
        new: { type: 'boolean', default: false },
        json: { type: 'string' },
        plot: { type: 'string' },
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

const number = (name: 'agents' | 'tasks' | 'nodes' | 'hours' | 'seed'): number => {
  const found = Number(values[name])
  return Number.isFinite(found) && found > 0 ? found : fail(`--${name}: expected a number, found ${values[name]}`)
}

const award = (['both', 'lowest', 'effective'] as const).find((rule) => rule === values.award)

/** More than that, and books are looked at as they are written and not once more at the end. */
const largeTasks = 50_000

const plan: DayPlan = {
  seed: number('seed'),
  agents: number('agents'),
  tasks: number('tasks'),
  nodes: number('nodes'),
  hours: number('hours'),
  award: award ?? fail(`--award: expected lowest, effective or both, found ${values.award}`),
  isLarge: number('tasks') > largeTasks,
  isKnown: !values.new,
}

const startedAt = performance.now()
const day = await runDay(plan, (at) => {
  const tasks = [...at.lowest, ...at.effective].reduce((sum, hour) => sum + hour.tasks, 0)
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  process.stdout.write(
    `hour ${at.hours.toFixed(0)}: ${tasks} tasks finished, ${at.open} jobs under way, ${seconds} s\n`,
  )
  if (values.json !== undefined) void writeFile(values.json, `${JSON.stringify({ ...plan, ...at })}\n`)
})
process.stdout.write(`${describeDay(day)}\n`)
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(day, null, 1)}\n`)
if (values.plot !== undefined) await writeFile(values.plot, plotDay(day))
process.exit(day.violation === null ? 0 : 1)
