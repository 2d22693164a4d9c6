import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { formatUsd, type Price } from '@muster/protocol'
import type { AgentPlan } from './agent-plan.ts'

export interface AgentPlace {
  readonly marketUrl: string
  /** Where the agent keeps its key, journal and cache. */
  readonly directory: string
  readonly chainId: number
}

/** What one slot of a devnet's agent is. Several agents share one machine, so each sells what it is told, not what it finds. */
const slotMemoryMib = 1_024
const spareDiskMib = 1_024
const cacheMib = 512

const written = ({ nanoUsd, per }: Price) => ({ [per]: formatUsd(nanoUsd).slice(1) })

/** Writes the price file of a planned agent and gives the flags to start it with. */
export const agentArguments = async (
  plan: AgentPlan,
  { marketUrl, directory, chainId }: AgentPlace,
): Promise<string[]> => {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const priceFile = path.join(directory, 'prices.json')
  const runtimes = Object.fromEntries(Object.entries(plan.prices).map(([runtime, price]) => [runtime, written(price)]))
  const { leases } = plan
  const prices = { apiVersion: 'muster/v1', kind: 'prices', runtimes, ...(leases === undefined ? {} : { leases }) }
  await writeFile(priceFile, `${JSON.stringify(prices, null, 2)}\n`)
  const flags: Readonly<Record<string, string | number>> = {
    'data-directory': directory,
    'market-url': marketUrl,
    'chain-id': chainId,
    region: plan.region,
    country: plan.country,
    attributes: `name=${plan.name}`,
    'price-file': priceFile,
    'slot-memory-mib': slotMemoryMib,
    'max-slots': plan.slots,
    cores: plan.slots,
    'memory-mib': plan.slots * slotMemoryMib,
    'disk-mib': spareDiskMib + cacheMib,
    'cache-mib': cacheMib,
    'drain-ms': 5_000,
    'log-format': 'json',
  }
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
}
