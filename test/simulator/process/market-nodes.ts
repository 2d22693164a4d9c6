import type { Cid } from '@muster/protocol'
import { createInProcessBus } from '../../../market/cluster/bus/in-process-bus.ts'
import { createInProcessHops } from '../../../market/cluster/hop/in-process-hop.ts'
import type { PlantedBug } from '../../../market/planted-bug.ts'
import { createMemoryDisk } from '../../../market/store/memory/memory-disk.ts'
import type { NodeId } from '../../../market/store/node-store.ts'
import type { MemoryNetwork } from '../memory-network.ts'
import type { MarketPlan, NodesPlan } from '../scenario/scenario.ts'
import { createMarketNode, type MarketNode } from './market-node.ts'
import type { Run } from './run.ts'

const oneNode: NodesPlan = { count: 1, outages: [], kills: [] }

/** What is out of order at one node now. */
interface Trouble {
  database: number
  hop: number
  bus: number
}

/** The market of a run: one node, or several on one disk with a bus and a hop between them. */
export const createMarketNodes = (
  plan: MarketPlan,
  network: MemoryNetwork,
  run: Run,
  bugs: ReadonlySet<PlantedBug>,
): MarketNode => {
  const { count, outages, kills } = plan.nodes ?? oneNode
  if (count === 1) return createMarketNode(plan, network, run, bugs)
  const { timeline, story } = run
  const disk = createMemoryDisk()
  const blobs = new Map<Cid, Uint8Array>()
  const bus = createInProcessBus()
  const troubles: Trouble[] = []
  const nodeOf = new Map<NodeId, Trouble>()
  const lag = run.random.fork('hop')
  const hops = createInProcessHops({
    latencyMs: () => lag.between(0, 3),
    isCut: (from, to) => [from, to].some((id) => (nodeOf.get(id)?.hop ?? 0) > 0),
  })
  let isCalm = false
  let changedAt = 0
  let turn = 0

  const nodes = Array.from({ length: count }, (_, index) => {
    const trouble: Trouble = { database: 0, hop: 0, bus: 0 }
    troubles.push(trouble)
    const name = `${run.market}-node-${index}`
    const own: MarketPlan = index === 0 ? plan : { ...plan, crashesAtCommit: [], crashes: [], hiccups: [] }
    let leave = () => {}
    return createMarketNode(own, network, { ...run, random: run.random.fork(name) }, bugs, {
      name,
      disk,
      blobs,
      isAway: () => trouble.database > 0,
      open: ({ world, isAlive }) => {
        leave()
        return {
          name,
          url: `https://${name}`,
          blobs: 'here',
          bus: bus.join(() => trouble.bus > 0 || !isAlive()),
          open: (id, service) => {
            const joined = hops.join(
              () => {
                nodeOf.set(id(), trouble)
                return isAlive() ? id() : ''
              },
              service,
              world,
            )
            leave = joined.leave
            return joined.hop
          },
        }
      },
    })
  })

  const up = (): readonly MarketNode[] => nodes.filter((node) => node.market() !== undefined)

  const change = (node: number, of: keyof Trouble, by: 1 | -1): void => {
    const trouble = troubles[node]
    if (trouble === undefined) return
    trouble[of] += by
    changedAt = timeline.now()
    story.tell(`${run.market}-node-${node}`, `${by > 0 ? 'loses' : 'has back'} its ${of}`)
    run.reach.parted(troubles.some(({ hop }) => hop > 0))
  }

  for (const { node, of, atMs, forMs } of outages) {
    timeline.after(atMs, () => {
      if (isCalm) return
      change(node, of, 1)
      timeline.after(forMs, () => change(node, of, -1))
    })
  }
  for (const { node, atMs, downMs } of kills) {
    timeline.after(atMs, () => {
      if (isCalm) return
      changedAt = timeline.now()
      nodes[node]?.crash(downMs)
    })
  }

  const [first] = nodes
  if (first === undefined) throw new Error('a market has a node')
  const sum = (of: (node: MarketNode) => number): number => nodes.reduce((total, node) => total + of(node), 0)

  return {
    address: first.address,
    disk,
    blobs,
    market: () => {
      const all = up()
      return all[turn++ % all.length]?.market()
    },
    markets: () => up().flatMap((node) => node.markets()),
    start: async () => {
      await Promise.all(nodes.map((node) => node.start()))
    },
    crash: (downMs) => {
      changedAt = timeline.now()
      nodes[turn++ % nodes.length]?.crash(downMs)
    },
    setClock: (skewMs) => nodes[turn++ % nodes.length]?.setClock(skewMs),
    calm: () => {
      isCalm = true
      for (const node of nodes) node.calm()
    },
    commits: () => sum((node) => node.commits()),
    snapshots: () => sum((node) => node.snapshots()),
    collected: () => sum((node) => node.collected()),
    crashPoints: first.crashPoints,
    upSince: () => Math.max(changedAt, ...nodes.map((node) => node.upSince())),
  }
}
