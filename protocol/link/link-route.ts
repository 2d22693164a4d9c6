import { cidSchema, type Cid } from '../digest/cid.ts'
import type { LinkCall } from './link-message.ts'

/** Where an agent upgrades each of its two sockets, with a hello that signs a challenge of the `challenge` route. */
export const linkPath = '/v1/agent/link'
export const linkProtocol = 'muster-h2'
/** Header of the upgrade request: base64url of the canonical CBOR of a signed `LinkHello`. */
export const helloHeader = 'muster-link'
/** RFC 5705 label; 32 bytes without context are exported and hashed into `LinkHello.tlsBinding`. */
export const tlsExporterLabel = 'EXPORTER-muster-link'

/** Routes of the agent, over HTTP/2 with the roles swapped. Calls and messages on the control socket, blobs on the data socket. */
export const messagesPath = '/v1/messages'
const callsPath = '/v1/calls/'
const blobsPath = '/v1/blobs/'

export const callPath = (call: LinkCall): string => `${callsPath}${call}`
export const blobPath = (cid: Cid): string => `${blobsPath}${cid}`

/** The name after `/v1/calls/`, known or not; `undefined` for another path. */
export const callNameOf = (path: string): string | undefined =>
  path.startsWith(callsPath) ? path.slice(callsPath.length) : undefined

/** The CID after `/v1/blobs/`; `undefined` for another path or a name that is no CID. */
export const blobCidOf = (path: string): Cid | undefined =>
  path.startsWith(blobsPath) ? cidSchema.safeParse(path.slice(blobsPath.length)).data : undefined
