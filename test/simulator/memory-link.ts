import { createHash } from 'node:crypto'
import {
  agentMessageSchema,
  checkBlob,
  decodeCanonical,
  encodeCanonical,
  encodeMessage,
  fromProblem,
  linkCalls,
  linkClosed,
  marketMessageSchema,
  MusterError,
  toProblem,
  type Address,
  type AgentHandlers,
  type AgentMessage,
  type AgentPeer,
  type CallOptions,
  type Cid,
  type LinkCall,
  type LinkCloseReason,
  type LinkLimits,
  type LinkRequest,
  type LinkResponse,
  type MarketMessage,
  type MarketPeer,
  type PeerHandlers,
  type World,
} from '@muster/protocol'
import { createMemoryPipe } from './memory-pipe.ts'

/** What a link in memory needs of the network it is part of. */
export interface MemoryLinkNetwork {
  readonly world: World
  readonly limits: LinkLimits
  readonly isChecked: boolean
  latencyMs(): number
  /** How long an end takes to notice that the link broke. */
  noticeMs(): number
  breaksNow(): boolean
  corruptsNow(): boolean
  onBreak(provider: Address, epoch: number): void
  onHandlerError(error: unknown): void
}

export interface MemoryLink {
  readonly peer: AgentPeer
  readonly marketPeer: MarketPeer
  readonly epoch: number
  /** Everything on its way is lost; each end notices in its own time. */
  break(): void
  hold(isHeld: boolean): void
  /**
   * That end is gone: it hears nothing and nothing it waits for is answered. The other notices in time. What that end had
   * sent and is not there within `lingerMs` is lost.
   */
  crash(end: 'market' | 'agent', lingerMs?: number): void
}

const uncheckedMessageBytes = 256

/** One link in memory between a market's `handlers` and an agent's. The caller says `onOpen`. */
export const createMemoryLink = (
  network: MemoryLinkNetwork,
  names: { readonly market: Address; readonly provider: Address; readonly epoch: number },
  market: PeerHandlers,
  agent: AgentHandlers,
): MemoryLink => {
  const { world, limits } = network
  const { provider, epoch } = names
  const toAgent = createMemoryPipe(world, network.latencyMs)
  const toMarket = createMemoryPipe(world, network.latencyMs)
  const closed = Promise.withResolvers<LinkCloseReason>()
  const pending = new Set<(error: MusterError) => void>()
  const dead = { market: false, agent: false }
  let heldCalls: { readonly to: 'market' | 'agent'; action(): void }[] | undefined
  let isBroken = false
  let marketClosedFor: LinkCloseReason | undefined
  let agentClosedFor: LinkCloseReason | undefined

  const guard = (action: () => void): void => {
    try {
      action()
    } catch (error) {
      network.onHandlerError(error)
    }
  }

  const closeMarket = (reason: LinkCloseReason): void => {
    if (marketClosedFor !== undefined || dead.market) return
    marketClosedFor = reason
    for (const reject of pending) reject(linkClosed(reason))
    pending.clear()
    guard(() => market.onClose(peer, reason))
  }

  const closeAgent = (reason: LinkCloseReason): void => {
    if (agentClosedFor !== undefined || dead.agent) return
    agentClosedFor = reason
    closed.resolve(reason)
  }

  const breakLink = (reason: LinkCloseReason = 'lost'): void => {
    if (isBroken) return
    isBroken = true
    network.onBreak(provider, epoch)
    toAgent.cut()
    toMarket.cut()
    world.after(network.noticeMs(), () => closeMarket(reason))
    world.after(network.noticeMs(), () => closeAgent(reason))
  }

  const isDown = (end: 'market' | 'agent'): boolean => isBroken || dead[end]

  /** A hop of a call or a blob: not in step with the messages. */
  const hop = (to: 'market' | 'agent', action: () => void): void => {
    if (dead[to === 'market' ? 'agent' : 'market']) return
    if (network.breaksNow()) breakLink()
    world.after(network.latencyMs(), () => {
      if (isDown(to)) return
      if (heldCalls === undefined) action()
      else heldCalls.push({ to, action })
    })
  }

  const whileOpen = <Result>(work: (resolve: (result: Result) => void, reject: (error: unknown) => void) => void) =>
    new Promise<Result>((resolve, reject) => {
      if (dead.market) return
      if (marketClosedFor !== undefined) return reject(linkClosed(marketClosedFor))
      pending.add(reject)
      const settle =
        <Value>(answer: (value: Value) => void) =>
        (value: Value) => {
          if (!pending.delete(reject) || dead.market) return
          answer(value)
        }
      work(settle(resolve), settle(reject))
    })

  const recode = <Value>(value: Value, parse: (value: unknown) => Value): Value =>
    network.isChecked ? parse(decodeCanonical(encodeCanonical(value))) : value

  const asSent = (error: unknown): MusterError => fromProblem(toProblem(error))

  const call = <Call extends LinkCall>(name: Call, request: LinkRequest<Call>, { timeoutMs, signal }: CallOptions) =>
    whileOpen<LinkResponse<Call>>((resolve, reject) => {
      const cancelled = () => reject(new MusterError({ code: 'cancelled', message: `The call ${name} was cancelled.` }))
      if (signal?.aborted === true) return cancelled()
      signal?.addEventListener('abort', cancelled, { once: true })
      const { request: requestSchema, response: responseSchema } = linkCalls[name]
      const sent = recode(request, (value) => requestSchema.parse(value) as LinkRequest<Call>)
      const timer = world.after(timeoutMs, () =>
        reject(
          new MusterError({ code: 'timeout', message: `The agent did not answer ${name} within ${timeoutMs} ms.` }),
        ),
      )
      const answer = (action: () => void) =>
        hop('market', () => {
          timer.cancel()
          signal?.removeEventListener('abort', cancelled)
          action()
        })
      hop('agent', () => {
        Promise.resolve()
          .then(() => agent.onCall(name, sent))
          .then((response) => recode(response, (value) => responseSchema.parse(value) as LinkResponse<Call>))
          .then(
            (response) => answer(() => resolve(response)),
            (error: unknown) => answer(() => reject(asSent(error))),
          )
      })
    })

  const corrupted = (bytes: Uint8Array): Uint8Array =>
    network.corruptsNow() ? bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte)) : bytes

  const replay = async function* (chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield corrupted(chunk)
  }

  const checked = (cid: Cid, chunks: readonly Uint8Array[], maxBytes: number) =>
    checkBlob(cid, replay(chunks), Math.min(maxBytes, limits.maxBlobBytes), createHash('sha256'))

  const collect = async (bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> => {
    const chunks: Uint8Array[] = []
    for await (const chunk of bytes) chunks.push(chunk)
    return chunks
  }

  const putBlob = (cid: Cid, bytes: AsyncIterable<Uint8Array>) =>
    whileOpen<void>((resolve, reject) => {
      collect(bytes)
        .then((chunks) =>
          hop('agent', () => {
            agent.onPutBlob(cid, checked(cid, chunks, limits.maxBlobBytes)).then(
              () => hop('market', resolve),
              (error: unknown) => hop('market', () => reject(asSent(error))),
            )
          }),
        )
        .catch(reject)
    })

  const fetchChunks = (cid: Cid) =>
    whileOpen<Uint8Array[]>((resolve, reject) =>
      hop('agent', () => {
        collect(agent.onGetBlob(cid)).then(
          (chunks) => hop('market', () => resolve(chunks)),
          (error: unknown) => hop('market', () => reject(asSent(error))),
        )
      }),
    )

  async function* getBlob(cid: Cid, maxBytes: number): AsyncGenerator<Uint8Array> {
    yield* checked(cid, await fetchChunks(cid), maxBytes)
  }

  /** Encoded size and what arrives: in checked mode what was encoded, decoded and parsed. */
  const pack = <Message extends MarketMessage | AgentMessage>(message: Message, parse: (value: unknown) => Message) => {
    if (!network.isChecked) return { bytes: uncheckedMessageBytes, arrived: message }
    const body = encodeMessage(message)
    if (body.length > limits.maxFrameBytes)
      throw new MusterError({
        code: 'request_invalid',
        message: 'This message is too large for the link: send it in parts.',
      })
    return { bytes: body.length, arrived: parse(decodeCanonical(body)) }
  }

  const sendToAgent = (message: MarketMessage): void => {
    if (marketClosedFor !== undefined || dead.market) return
    const { bytes, arrived } = pack(message, (value) => marketMessageSchema.parse(value))
    if (network.breaksNow()) breakLink()
    toAgent.push(bytes, () => {
      if (agentClosedFor === undefined && !dead.agent) guard(() => agent.onMessage(arrived))
    })
    if (toAgent.queuedBytes > limits.maxQueuedBytes) close('lost')
  }

  const sendToMarket = (message: AgentMessage): void => {
    if (agentClosedFor !== undefined || dead.agent) return
    const { bytes, arrived } = pack(message, (value) => agentMessageSchema.parse(value))
    if (network.breaksNow()) breakLink()
    toMarket.push(bytes, () => {
      if (marketClosedFor === undefined && !dead.market && arrived.type !== 'ping')
        guard(() => market.onMessage(peer, arrived))
    })
    if (toMarket.queuedBytes > limits.maxQueuedBytes) breakLink()
  }

  const close = (reason: LinkCloseReason): void => {
    toAgent.push(0, () => closeAgent(reason))
    if (reason === 'lost') breakLink()
    closeMarket(reason)
  }

  const peer: AgentPeer = { provider, epoch, call, send: sendToAgent, putBlob, getBlob, close }
  const marketPeer: MarketPeer = {
    market: names.market,
    send: sendToMarket,
    close: () => {
      if (agentClosedFor !== undefined || dead.agent) return
      toMarket.push(0, () => closeMarket('shutdown'))
      closeAgent('shutdown')
    },
    closed: closed.promise,
  }

  let silence: { cancel(): void } | undefined
  return {
    peer,
    marketPeer,
    epoch,
    break: () => breakLink(),
    hold: (isHeld) => {
      toAgent.hold(isHeld)
      toMarket.hold(isHeld)
      silence?.cancel()
      if (isHeld) {
        heldCalls ??= []
        silence = world.after(limits.pingIntervalMs * (limits.silentIntervals + 1), () => breakLink('silent'))
        return
      }
      const calls = heldCalls ?? []
      heldCalls = undefined
      for (const { to, action } of calls) if (!isDown(to)) action()
    },
    crash: (end, lingerMs = 0) => {
      dead[end] = true
      if (lingerMs === 0) breakLink()
      else world.after(lingerMs, () => breakLink())
    },
  }
}
