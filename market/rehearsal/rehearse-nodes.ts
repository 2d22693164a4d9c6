import { MusterError } from '@muster/protocol'
import { createMemoryBlobs } from '../blob/memory-blobs.ts'
import { createInProcessBus } from '../cluster/bus/in-process-bus.ts'
import type { ClusterLink } from '../cluster/cluster.ts'
import { createInProcessHops } from '../cluster/hop/in-process-hop.ts'
import { createMemoryDisk, type MemoryDisk } from '../store/memory/memory-disk.ts'
import type { Store } from '../store/store.ts'
import { rehearse, type Rehearsal, type RehearsalOptions } from './rehearse.ts'
import { createVirtualWorld, type VirtualWorld } from './virtual-world.ts'

/** What a node reaches. */
export interface Reach {
  hop: boolean
  bus: boolean
  database: boolean
  /** Whether it can read which nodes are up. */
  registry: boolean
}

/** One node of a rehearsed market. */
export interface RehearsedNode extends Rehearsal {
  readonly name: string
  readonly reach: Reach
  /** It is gone at once. */
  readonly kill: () => Promise<void>
  /** It ends in good order. */
  readonly leave: () => Promise<void>
}

export interface RehearsedNodes {
  readonly world: VirtualWorld
  readonly disk: MemoryDisk
  /** A node under this name, as another process. */
  readonly start: (name: string, options?: RehearsalOptions) => Promise<RehearsedNode>
}

/** The store of a node that may lose its connection. */
const losable = <Part extends object>(part: Part, reach: Reach, isRegistry = false): Part =>
  Object.fromEntries(
    Object.entries(part).map(([name, member]: [string, unknown]) => {
      if (typeof member === 'object' && member !== null) return [name, losable(member, reach, name === 'nodes')]
      if (typeof member !== 'function') return [name, member]
      const call = async (...args: unknown[]): Promise<unknown> => {
        const isAway = !reach.database || (isRegistry && name === 'list' && !reach.registry)
        if (isAway) throw new MusterError({ code: 'unavailable', message: 'The database is away.' })
        return Reflect.apply(member, part, args)
      }
      return [name, call]
    }),
  ) as Part

/** Several nodes of one market in one process on virtual time, over one store, with a bus and a hop that can be cut. */
export const rehearseNodes = (common: RehearsalOptions = {}): RehearsedNodes => {
  const world = createVirtualWorld()
  const disk = createMemoryDisk()
  const blobs = createMemoryBlobs(new Map(), () => world.now())
  const bus = createInProcessBus()
  const cut = new Map<string, Reach>()
  const hops = createInProcessHops({ isCut: (...ends) => ends.some((id) => cut.get(id)?.hop === false) })

  return {
    world,
    disk,
    start: async (name, options = {}) => {
      const reach: Reach = { hop: true, bus: true, database: true, registry: true }
      const cluster: ClusterLink = {
        name,
        url: `https://${name}`,
        blobs: 'here',
        bus: bus.join(() => !reach.bus),
        open: (id, service) =>
          hops.join(
            () => {
              cut.set(id(), reach)
              return id()
            },
            service,
            world,
          ).hop,
      }
      const wrapStore = (store: Store): Store => losable(store, reach)
      const node = await rehearse({ ...common, ...options, world, disk, blobs, cluster, wrapStore })
      return {
        ...node,
        name,
        reach,
        kill: async () => {
          Object.assign(reach, { hop: false, bus: false, database: false })
          await node.crash()
        },
        leave: async () => {
          await node.market().stop()
          Object.assign(reach, { hop: false, bus: false, database: false })
          await node.crash()
        },
      }
    },
  }
}
