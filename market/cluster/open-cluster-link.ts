import { MusterError, type Address, type Log, type World } from '@muster/protocol'
import { createInProcessBus } from './bus/in-process-bus.ts'
import { connectNatsBus } from './bus/nats-bus.ts'
import type { ClusterLink } from './cluster.ts'
import type { NodeService } from './hop/hop.ts'
import { hopKey } from './hop/hop-key.ts'
import { createHttp2Hop } from './hop/http2-hop.ts'
import { createInProcessHops } from './hop/in-process-hop.ts'
import { serveHop } from './hop/serve-hop.ts'

export interface OpenClusterLinkOptions {
  readonly name: string
  readonly blobs: string
  readonly natsUrl: string
  readonly host: string
  readonly port: number
  /** Where others reach it, if that is not where it listens. */
  readonly url: string | undefined
  readonly market: Address
  readonly secret: Uint8Array
}

export interface OpenedClusterLink {
  readonly link: ClusterLink
  close(): Promise<void>
}

const notYet = (): never => {
  throw new MusterError({ code: 'unavailable', message: 'This node is still starting.' })
}

const noService: NodeService = { call: notYet, putBlob: notYet, getBlob: notYet, fetch: notYet }

/** A node that has its market to itself: nobody is asked, and nobody asks. */
export const aloneLink = (name: string, blobs: string, world: World): ClusterLink => ({
  name,
  url: null,
  blobs,
  bus: createInProcessBus().join(),
  open: (id, service) => createInProcessHops().join(id, service, world).hop,
})

/** A node among others: NATS between all of them, and a port where they call each other. */
export const openClusterLink = async (
  { name, blobs, natsUrl, host, port, url, market, secret }: OpenClusterLinkOptions,
  { world, log }: { readonly world: World; readonly log: Log },
): Promise<OpenedClusterLink> => {
  const bus = await connectNatsBus({ url: natsUrl, subject: `muster.${market}` }, { log })
  const key = hopKey(secret)
  let service = noService
  const late: NodeService = {
    call: (from, call, request) => service.call(from, call, request),
    putBlob: (blob, bytes) => service.putBlob(blob, bytes),
    getBlob: (blob, maxBytes) => service.getBlob(blob, maxBytes),
    fetch: (request) => service.fetch(request),
  }
  const closers = [() => bus.close()]
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    const served = await serveHop({ host, port }, { key, service: late, log })
    closers.push(() => served.close())
    const shown = host.includes(':') ? `[${host}]` : host
    return {
      link: {
        name,
        url: url ?? `https://${shown}:${served.port}`,
        blobs,
        bus,
        open: (id, own) => {
          service = own
          const hop = createHttp2Hop({ world, key, id })
          closers.push(() => hop.close())
          return hop
        },
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
