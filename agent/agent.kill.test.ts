import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openStageProcess } from './stage/agent-process.ts'
import { temporaryDirectory } from './stage/temporary-directory.ts'

test('an agent killed with kill -9 comes back with every promise it made and every claim it sent', async () => {
  const directory = await temporaryDirectory()
  const script = path.join(import.meta.dirname, 'stage', 'agent-process.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: Record<string, string[]> = { reserved: [], leased: [], claimed: [] }
  for await (const line of createInterface(child.stdout)) {
    const [what = '', id = ''] = line.split(' ')
    said[what]?.push(id)
    if ((said['claimed']?.length ?? 0) >= 50) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')

  const { agent, market, close } = await openStageProcess(directory)
  onTestFinished(close)
  const { leases, attempts, reservations } = agent.status()
  expect(leases).toEqual(expect.arrayContaining(said['leased'] ?? []))
  expect(leases.length + reservations).toBeGreaterThanOrEqual(said['reserved']?.length ?? 0)
  const phases = new Map(attempts.map(({ id, phase }) => [String(id), phase]))
  for (const id of said['claimed'] ?? []) expect(phases.get(id)).toBe('reported')
  while (market.claims().length < (said['claimed']?.length ?? 0)) await delay(10)
  const repeated = market.claims().map(({ record }) => record.attempt)
  expect(repeated).toEqual(expect.arrayContaining(said['claimed'] ?? []))
  expect(market.epochs).toHaveLength(1)
})
