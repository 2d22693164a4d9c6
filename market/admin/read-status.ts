import type { MarketStatus, World } from '@muster/protocol'
import type { Market } from '../market.ts'

/** What a node knows of the machine it is on. */
export interface Machine {
  readonly processId: number
  memoryBytes(): number
  /** Of the disk that the data directory is on. */
  disk?(): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>
  databaseBytes?(): Promise<number>
}

/** Sums of the tasks of active jobs. */
const countTasks = (market: Market) => {
  let [waitingTasks, runningTasks] = [0, 0]
  for (const actor of market.modules.jobs.all()) {
    const counts = actor.peek()?.counts
    waitingTasks += counts?.waiting ?? 0
    runningTasks += counts?.running ?? 0
  }
  return { active: market.modules.jobs.count(), waitingTasks, runningTasks }
}

const nodesOf = async ({ cluster, modules: { store, supply, jobs } }: Market): Promise<MarketStatus['nodes']> => {
  if (cluster === undefined) return []
  const answering = new Set(cluster.reachable().map(({ id }) => id))
  return (await store.nodes.list()).map(({ id, name, url, version, startedAt, links, jobs: active }) => {
    const isThis = id === cluster.id()
    return {
      name,
      url,
      isThis,
      answers: isThis || answering.has(id),
      version,
      startedAt,
      links: isThis ? supply.linkedCount() : links,
      jobs: isThis ? jobs.count() : active,
    }
  })
}

const timed = async (world: World, work: Promise<unknown>): Promise<number> => {
  const startedAt = world.elapsed()
  await work
  return world.elapsed() - startedAt
}

/** How this node is now. Rejects where the store does not answer. */
export const readStatus = async (
  market: Market,
  machine: Machine,
  { startedAt, audit }: { readonly startedAt: number; readonly audit: MarketStatus['audit'] },
): Promise<MarketStatus> => {
  const { world, store, supply } = market.modules
  const pingMs = await timed(world, store.ping())
  const now = world.now()
  return {
    version: market.version,
    market: market.domain.market,
    chainId: market.domain.chainId,
    now,
    startedAt,
    uptimeMs: Math.max(0, now - startedAt),
    processId: machine.processId,
    memoryBytes: machine.memoryBytes(),
    draining: market.admin.drain.now(),
    links: supply.linkedCount(),
    nodes: await nodesOf(market),
    bus: market.cluster === undefined || !market.cluster.isShared ? null : market.cluster.isBusUp(),
    jobs: countTasks(market),
    store: { bytes: (await machine.databaseBytes?.()) ?? null, pingMs, ...market.admin.meter.read() },
    blobs: await store.blobs.usage(),
    disk: (await machine.disk?.()) ?? null,
    denials: market.admin.denials.all().length,
    audit,
  }
}
