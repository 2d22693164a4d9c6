import { linkClosed, type World } from '@muster/protocol'
import type { NodeId } from '../../store/node-store.ts'
import type { Hop, NodeService } from './hop.ts'

export interface InProcessHopOptions {
  /** Until a request arrives, and again until its answer does. */
  readonly latencyMs?: () => number
  /** Whether nothing passes between two nodes now. */
  readonly isCut?: (from: NodeId, to: NodeId) => boolean
}

/** The hop between nodes of one process. */
export interface InProcessHops {
  /** A node is reached by its id until `leave`. */
  join(id: () => NodeId, service: NodeService, world: World): { readonly hop: Hop; leave(): void }
}

export const createInProcessHops = ({ latencyMs, isCut = () => false }: InProcessHopOptions = {}): InProcessHops => {
  const services = new Set<{ readonly id: () => NodeId; readonly service: NodeService }>()

  return {
    join: (id, service, world) => {
      const own = { id, service }
      services.add(own)
      const travel = async (to: NodeId): Promise<NodeService> => {
        if (latencyMs !== undefined) await new Promise<void>((resolve) => void world.after(latencyMs(), resolve))
        const found = [...services].find((each) => each.id() === to)
        if (found === undefined || !services.has(own) || isCut(id(), to)) throw linkClosed('lost')
        return found.service
      }
      const hop: Hop = {
        call: async ({ id: to }, call, request, timeoutMs) => {
          const late = Promise.withResolvers<never>()
          const timer = world.after(timeoutMs, () => late.reject(linkClosed('silent')))
          const ask = async () => {
            const service = await travel(to)
            const answer = await service.call(id(), call, structuredClone(request))
            await travel(to)
            return structuredClone(answer)
          }
          try {
            return await Promise.race([ask(), late.promise])
          } finally {
            timer.cancel()
          }
        },
        putBlob: async ({ id: to }, blob, bytes) => (await travel(to)).putBlob(blob, bytes),
        getBlob: async function* ({ id: to }, blob, maxBytes) {
          yield* (await travel(to)).getBlob(blob, maxBytes)
        },
        fetch: async ({ id: to }, request) => (await travel(to)).fetch(request),
        close: async () => {},
      }
      return { hop, leave: () => void services.delete(own) }
    },
  }
}
