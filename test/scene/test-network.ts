import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startDevnet, type AgentPlan, type Devnet, type DevnetOptions } from '@muster/devnet'
import { parseUsd } from '@muster/protocol'
import { createMuster, type JobSpecInput, type Muster } from '@muster/sdk'

export interface TestNetwork {
  readonly devnet: Devnet
  readonly muster: Muster
  readonly directory: string
  close(): Promise<void>
}

/** Agents that do nothing, quickly. */
export const noopAgents = (slots: readonly number[]): AgentPlan[] =>
  slots.map((count, index) => ({
    name: `agent-${index}`,
    region: 'test',
    country: 'ZZ',
    slots: count,
    prices: {
      noop: { nanoUsd: BigInt(100 + index), per: 'task' },
      graph: { nanoUsd: BigInt(10 + index), per: 'operator' },
    },
  }))

/** A network of real processes in a temporary directory, gone after `close`. */
export const startTestNetwork = async (
  options: Partial<DevnetOptions> & Pick<DevnetOptions, 'agents'>,
): Promise<TestNetwork> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-test-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const devnet = await startDevnet({ directory, port: 0, graceMs: 2_000, tenantBalance: parseUsd('10'), ...options })
    const muster = createMuster({ url: devnet.url, apiKey: devnet.apiKey })
    const close = async () => {
      await devnet.close()
      await remove()
    }
    return { devnet, muster, directory, close }
  } catch (error) {
    await remove()
    throw error
  }
}

const maxPrice = 1_000n

export const noopJob = (tasks: number, slots: number): JobSpecInput => ({
  apiVersion: 'muster/v1',
  kind: 'batch',
  name: 'scene',
  runtime: 'noop',
  program: null,
  tasks: Array.from({ length: tasks }, () => ({ inputs: [] })),
  slots,
  resources: { cpuMilli: 1_000, memoryBytes: 2 ** 28, diskBytes: 0 },
  maxPrice: { nanoUsd: maxPrice, per: 'task' },
  ceiling: maxPrice * BigInt(tasks),
})
