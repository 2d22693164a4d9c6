import {
  decodeCanonical,
  encodeCanonical,
  encodeMessage,
  linkCalls,
  linkClosed,
  marketMessageSchema,
  MusterError,
  type Address,
  type AgentPeer,
  type Cid,
  type LinkCall,
  type LinkRequest,
  type LinkResponse,
  type MarketMessage,
  type World,
} from '@muster/protocol'

export interface ScriptedPeerModules {
  readonly world: World
  readonly isOpen: () => boolean
  /** The calls under way: each ends with the link. */
  readonly pending: Set<(error: unknown) => void>
  readonly answer: (call: LinkCall, request: unknown) => Promise<unknown>
  readonly take: (message: MarketMessage) => void
  readonly blob: (cid: Cid) => Uint8Array | undefined
  readonly close: () => void
}

/** A link to a scripted agent as the market sees it: what crosses it is encoded and checked as on a real one. */
export const createScriptedPeer = (
  { provider, epoch }: { readonly provider: Address; readonly epoch: number },
  { world, isOpen, pending, answer, take, blob, close }: ScriptedPeerModules,
): AgentPeer => ({
  provider,
  epoch,
  call: <Call extends LinkCall>(call: Call, request: LinkRequest<Call>, { timeoutMs }: { timeoutMs: number }) =>
    new Promise<LinkResponse<Call>>((resolve, reject) => {
      if (!isOpen()) return reject(linkClosed('lost'))
      pending.add(reject)
      const settle = () => {
        pending.delete(reject)
        timer.cancel()
      }
      const timer = world.after(timeoutMs, () => {
        settle()
        reject(new MusterError({ code: 'timeout', message: `The agent did not answer ${call}.` }))
      })
      const schemas = linkCalls[call]
      const sent = schemas.request.parse(decodeCanonical(encodeCanonical(request)))
      answer(call, sent)
        .then((value) => schemas.response.parse(decodeCanonical(encodeCanonical(value))) as LinkResponse<Call>)
        .then(resolve, reject)
        .finally(settle)
    }),
  send: (message) => {
    if (isOpen()) take(marketMessageSchema.parse(decodeCanonical(encodeMessage(message))))
  },
  putBlob: async (_, bytes) => {
    for await (const chunk of bytes) void chunk
  },
  getBlob: async function* (cid) {
    if (!isOpen()) throw linkClosed('lost')
    const bytes = blob(cid)
    if (bytes === undefined) throw new MusterError({ code: 'blob_missing', message: 'No such output.', facts: { cid } })
    yield bytes
  },
  close,
})
