import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fourAgents, startDevnet } from '@muster/devnet'
import { parseUsd } from '@muster/protocol'
import { createMuster } from '@muster/sdk'
import { describeMachine, median, type BenchResult } from '../bench-result.ts'
import { runOneJob } from '../task/muster-round.ts'

const rounds = 3

const once = async (): Promise<{ readonly networkMs: number; readonly firstTaskMs: number }> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-bench-'))
  const startedAt = performance.now()
  try {
    const devnet = await startDevnet({
      directory,
      agents: fourAgents,
      port: 0,
      graceMs: 10_000,
      benchmarkHours: 0,
      tenantBalance: parseUsd('25'),
    })
    const networkMs = performance.now() - startedAt
    try {
      await runOneJob(createMuster({ url: devnet.url, apiKey: devnet.apiKey }), 1, 1)
      return { networkMs, firstTaskMs: performance.now() - startedAt }
    } finally {
      await devnet.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** From `muster up` on an empty directory, with everything installed, to the end of a first task. */
export const runStartBench = async (): Promise<BenchResult> => {
  const runs = []
  for (let round = 0; round < rounds; round++) runs.push(await once())
  const seconds = runs.map(({ firstTaskMs }) => firstTaskMs / 1000)
  return {
    bench: 'start',
    machine: describeMachine(),
    figures: {
      secondsToFirstTask: median(seconds),
      secondsToNetwork: median(runs.map(({ networkMs }) => networkMs / 1000)),
    },
    ratios: {},
    detail: { secondsToFirstTask: seconds },
  }
}
