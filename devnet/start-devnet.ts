import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseUsd, type Address, type NanoUsd, type TenantId } from '@muster/protocol'
import { agentArguments } from './agent-arguments.ts'
import type { AgentPlan } from './agent-plan.ts'
import { callAdmin } from './call-admin.ts'
import { spawnProgram, type Program } from './spawn-program.ts'

export interface DevnetOptions {
  /** Where everything of it lives. */
  readonly directory: string
  readonly agents: readonly AgentPlan[]
  /** Port of the market; 0 takes a free one. */
  readonly port: number
  /** A Postgres to use in place of the embedded one. */
  readonly databaseUrl?: string
  /** Nodes of the market, one where left out; more need `databaseUrl` and `natsUrl`. */
  readonly nodes?: number
  readonly natsUrl?: string
  /** How long an agent may be out of reach before its work is given to others. */
  readonly graceMs: number
  readonly tenantBalance: NanoUsd
  /** How often the market measures a machine; as markets do where left out. 0: nothing is measured, nor does an agent try its own. */
  readonly benchmarkHours?: number
  readonly onStep?: (step: string) => void
}

export interface DevnetAgent {
  readonly plan: AgentPlan
  readonly provider: Address
  readonly program: Program
}

/** A node of the market. */
export interface DevnetNode {
  readonly name: string
  readonly url: string
  readonly program: Program
}

/** A whole network on this machine: a market with its store, agents, and a tenant with a balance. */
export interface Devnet {
  /** Of the market: that of its node, or of all of them with `+` between them. */
  readonly url: string
  readonly nodes: readonly DevnetNode[]
  readonly market: Address
  readonly chainId: number
  readonly adminKey: string
  readonly tenant: TenantId
  readonly apiKey: string
  readonly agents: readonly DevnetAgent[]
  /** Resolves if the market ends without being told to. */
  readonly marketGone: Promise<void>
  /** Kills a node with SIGKILL; it is gone. */
  killNode(node: DevnetNode): Promise<void>
  /** Kills the market with SIGKILL, its store with it, and starts it again on what is on disk. */
  crashMarket(): Promise<void>
  /** Kills an agent with SIGKILL and starts it again on what is on disk. */
  crashAgent(agent: DevnetAgent): Promise<void>
  /** Stops the agents, then the market; resolves when every process is gone. */
  close(): Promise<void>
}

const stake = parseUsd('5')
const readyTimeoutMs = 60_000
const drainMs = 10_000
const marketName = 'market'
const root = path.join(import.meta.dirname, '..')

/** Brings a network up. What was started is stopped again where a later step fails. */
export const startDevnet = async (options: DevnetOptions): Promise<Devnet> => {
  const { directory, onStep = () => {} } = options
  const logs = path.join(directory, 'logs')
  await mkdir(logs, { recursive: true, mode: 0o700 })
  const running = new Map<string, Program>()
  const close = async () => {
    const markets = [...running].filter(([name]) => name.startsWith(marketName))
    for (const [name] of markets) running.delete(name)
    await Promise.all([...running.values()].map((agent) => agent.stop(drainMs)))
    running.clear()
    await Promise.all(markets.map(([, market]) => market.stop(drainMs)))
  }

  const start = async (name: string, script: string, args: readonly string[]): Promise<Program> => {
    const logFile = path.join(logs, `${name}.log`)
    const program = await spawnProgram({ name, script: path.join(root, script), args, logFile, readyTimeoutMs })
    running.set(name, program)
    return program
  }

  const marketDirectory = path.join(directory, 'market')
  const marketGone = Promise.withResolvers<void>()
  const startMarket = async (port: number, name = marketName): Promise<Program> => {
    const program = await start(name, 'market/main.ts', [
      ...['--data-directory', marketDirectory, '--port', String(port), '--grace-ms', String(options.graceMs)],
      ...(options.benchmarkHours === undefined ? [] : ['--benchmark-hours', String(options.benchmarkHours)]),
      ...(options.databaseUrl === undefined ? [] : ['--database-url', options.databaseUrl]),
      ...(options.natsUrl === undefined ? [] : ['--nats-url', options.natsUrl, '--node-name', name]),
    ])
    void program.exited.then(() => {
      if (running.get(name) === program) marketGone.resolve()
    })
    return program
  }
  const startAgent = async (plan: AgentPlan, marketUrl: string, chainId: number): Promise<Program> => {
    const args = await agentArguments(plan, { marketUrl, directory: path.join(directory, plan.name), chainId })
    const own = options.benchmarkHours === 0 ? ['--no-benchmarks'] : []
    return start(plan.name, 'agent/main.ts', [...args, ...own])
  }

  try {
    onStep('Starting the market and its store')
    const market = await startMarket(options.port)
    const nodes: DevnetNode[] = [{ name: marketName, url: String(market.ready['url']), program: market }]
    for (let number = 2; number <= (options.nodes ?? 1); number++) {
      const name = `${marketName}-${number}`
      const program = await startMarket(0, name)
      nodes.push({ name, url: String(program.ready['url']), program })
    }
    /** Each agent and each client has all of them, and begins with one of its own. */
    const urlFrom = (first: number): string =>
      nodes.map((_, index) => nodes[(first + index) % nodes.length]?.url).join('+')
    const url = urlFrom(0)
    const chainId = Number(market.ready['chainId'])
    const adminKey = (await readFile(path.join(marketDirectory, 'admin.key'), 'utf8')).trim()
    const admin = callAdmin(nodes[0]?.url ?? url, adminKey)

    onStep(`Starting ${options.agents.length} agents`)
    const agents = await Promise.all(
      options.agents.map(async (plan, index): Promise<DevnetAgent> => {
        const program = await startAgent(plan, urlFrom(index), chainId)
        const provider = String(program.ready['provider']) as Address
        await admin('deposit', { to: { account: 'stake', provider }, amount: stake })
        return { plan, provider, program }
      }),
    )

    onStep('Making a tenant with a balance')
    const { tenant, apiKey } = await admin('createTenant', { name: 'devnet tenant' })
    await admin('deposit', { to: { account: 'tenant', tenant }, amount: options.tenantBalance })
    return {
      url,
      market: String(market.ready['address']) as Address,
      chainId,
      adminKey,
      tenant,
      apiKey,
      agents,
      nodes,
      marketGone: marketGone.promise,
      killNode: async ({ name, program }) => {
        running.delete(name)
        program.kill()
        await program.exited
      },
      crashMarket: async () => {
        const program = running.get(marketName)
        running.delete(marketName)
        program?.kill()
        await program?.exited
        await startMarket(Number(new URL(url).port))
      },
      crashAgent: async ({ plan }) => {
        const program = running.get(plan.name)
        program?.kill()
        await program?.exited
        await startAgent(plan, url, chainId)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
