import { availableParallelism } from 'node:os'
import { describe, expect, test, vi } from 'vitest'
import { bugs, knownBugs } from './bugs.ts'
import { describeSimulated } from './describe-simulated.ts'
import { runSeeds } from './run-seeds.ts'
import { simulate } from './simulate.ts'

const workers = Math.max(1, availableParallelism())
/** More with `node run.mjs test/simulator/run-simulator.ts --seeds 0..20000`. */
const seeds = 2_000
const seedsToFindABug = 200

describe('markets of one to three nodes and fifty agents on virtual time', () => {
  test('the same seed gives the same trace', async () => {
    for (const seed of [3, 12]) {
      const [first, second] = [await simulate(seed), await simulate(seed)]
      expect(first.trace).toMatch(/^[0-9a-f]{8}$/)
      expect(second).toEqual(first)
    }
    expect((await simulate(3)).trace).not.toBe((await simulate(12)).trace)
  })

  test('nothing of a run comes from the clock, the timers or the chance of this machine', async () => {
    const real = (name: string) => () => {
      throw new Error(`${name} was called in a simulated run`)
    }
    const spies = [
      vi.spyOn(Date, 'now').mockImplementation(real('Date.now')),
      vi.spyOn(performance, 'now').mockImplementation(real('performance.now')),
      vi.spyOn(Math, 'random').mockImplementation(real('Math.random')),
      vi.spyOn(crypto, 'getRandomValues').mockImplementation(real('crypto.getRandomValues')),
      vi.spyOn(globalThis, 'setTimeout').mockImplementation(real('setTimeout')),
      vi.spyOn(globalThis, 'setInterval').mockImplementation(real('setInterval')),
      vi.spyOn(globalThis, 'setImmediate').mockImplementation(real('setImmediate')),
      vi.spyOn(globalThis, 'fetch').mockImplementation(real('fetch')),
    ]
    try {
      const simulated = await simulate(5)
      expect(simulated.violation).toBeUndefined()
      expect(simulated.commits).toBeGreaterThan(0)
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  })

  test(`everything holds over ${seeds} seeds`, { timeout: 1_800_000 }, async () => {
    const run = await runSeeds({ from: 0, to: seeds, workers })
    expect(run.failures.map((simulated) => describeSimulated(simulated, undefined, false))).toEqual([])
    expect(run.seeds).toBe(seeds)
    expect(run.coveredCommits).toBeGreaterThanOrEqual(30)
    expect(run.snapshots).toBeGreaterThan(10_000)
    expect(run.collected).toBeGreaterThan(100)
  })

  describe.each(knownBugs)('with the bug %s', (bug) => {
    test(`${bugs[bug]} finds it within ${seedsToFindABug} seeds`, { timeout: 300_000 }, async () => {
      const run = await runSeeds({ from: 0, to: seedsToFindABug, bug, workers })
      expect(run.failures[0]?.violation?.invariant).toBe(bugs[bug])
    })
  })
})
