import type { Bug } from './bugs.ts'
import type { Simulated } from './simulate.ts'

const shownLines = 40

/** The command that runs this seed again. */
export const replayCommand = (seed: number, bug: Bug | undefined): string =>
  `node run.mjs test/simulator/run-simulator.ts --seeds ${seed} --trace${bug === undefined ? '' : ` --bug ${bug}`}`

/** A run for a person: what did not hold, the end of its story, and how to see it again. */
export const describeSimulated = (simulated: Simulated, bug: Bug | undefined, isWhole: boolean): string => {
  const { seed, violation, story, trace, virtualMs, commits, runs } = simulated
  const shown = isWhole ? story : violation === undefined ? [] : story.slice(-shownLines)
  const end = `${(virtualMs / 1000).toFixed(1)} s of virtual time, ${commits} commits, ${runs} runs of tasks, trace ${trace}`
  return [
    ...shown.map((line) => `  ${line}`),
    ...(violation === undefined
      ? [`seed ${seed}: everything held; ${end}`]
      : [
          `seed ${seed}: ${violation.invariant} did not hold at ${violation.atMs.toFixed(3)} ms: ${violation.message}`,
          `  ${end}`,
          `  ${replayCommand(seed, bug)}`,
        ]),
  ].join('\n')
}
