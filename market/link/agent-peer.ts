import {
  agentMessageSchema,
  closeReasonOf,
  createMessageReceiver,
  createMessageSender,
  linkClosed,
  messagesPath,
  watchProgress,
  type Address,
  type AgentMessage,
  type AgentPeer,
  type LinkCloseReason,
  type LinkLimits,
  type MarketMessage,
  type PeerHandlers,
  type World,
} from '@muster/protocol'
import { callAgent, GarbledAnswerError } from './call-agent.ts'
import { closeSession } from './close-session.ts'
import { getBlob } from './get-blob.ts'
import type { LinkLog } from './link-options.ts'
import { agentAuthority, type LinkSocket } from './open-session.ts'
import { putBlob } from './put-blob.ts'

export interface AgentPeerOptions {
  readonly provider: Address
  readonly epoch: number
  readonly control: LinkSocket
  readonly data: LinkSocket
  readonly limits: LinkLimits
}

export interface AgentPeerModules {
  readonly world: World
  readonly log: LinkLog
  readonly handlers: PeerHandlers
  /** The link is out of use; its sockets may still be closing. */
  onGone(): void
}

export interface OpenAgentPeer {
  readonly peer: AgentPeer
  /** Resolves when both sockets are gone. */
  readonly closed: Promise<void>
}

/** A linked agent over its two sockets. Opens the message stream and says `onOpen`; says `onClose` once. */
export const openAgentPeer = (options: AgentPeerOptions, modules: AgentPeerModules): OpenAgentPeer => {
  const { provider, epoch, control, data, limits } = options
  const { world, log, handlers } = modules
  const pending = new Set<(error: unknown) => void>()
  let closedFor: LinkCloseReason | undefined
  let isTakingLeave = false
  const gone = Promise.withResolvers<void>()
  const messagesEnded = Promise.withResolvers<void>()

  const guard = (what: string, action: () => void): void => {
    try {
      action()
    } catch (error) {
      log.warn('A handler of the agent link failed.', { provider, handler: what, error: String(error) })
    }
  }

  const messages = control.session.request(
    { ...agentAuthority, ':method': 'POST', ':path': messagesPath },
    { endStream: false },
  )
  const sender = createMessageSender<MarketMessage>({
    ...limits,
    write: (bytes, done) => {
      messages.write(bytes, done)
    },
    onOverflow: (queuedBytes) => {
      log.warn('An agent does not read its messages; its link is closed.', { provider, epoch, queuedBytes })
      finish('lost', 'lost')
    },
  })

  const breakProtocol = (found: string): void => {
    if (closedFor !== undefined) return
    log.warn('An agent sent what the protocol does not allow; its link is closed.', { provider, epoch, found })
    finish('protocol-error', 'protocol-error')
  }

  const receiver = createMessageReceiver<AgentMessage>({
    schema: agentMessageSchema,
    maxFrameBytes: limits.maxFrameBytes,
    onMessage: (message) => {
      if (message.type === 'ping') return sender.send({ type: 'pong', at: world.now() })
      guard('onMessage', () => handlers.onMessage(peer, message))
    },
    onGarbage: breakProtocol,
  })

  const watches = [control, data].map(({ socket, session }) =>
    watchProgress(world, {
      intervalMs: limits.pingIntervalMs,
      maxIdleIntervals: limits.silentIntervals,
      count: () => socket.bytesRead,
      probe: () => {
        if (!session.destroyed && !session.closed) session.ping(() => {})
      },
      onStalled: () => {
        log.warn('Nothing was heard from an agent; its link is closed.', { provider, epoch })
        finish('silent', 'silent')
      },
    }),
  )

  /** `said` is what the agent is told, where it was not the one to say it. */
  const finish = (reason: LinkCloseReason, said: LinkCloseReason | undefined): void => {
    if (closedFor !== undefined || isTakingLeave) return
    closedFor = reason
    for (const watch of watches) watch.stop()
    receiver.stop()
    const error = linkClosed(reason)
    for (const reject of pending) reject(error)
    pending.clear()
    modules.onGone()
    guard('onClose', () => handlers.onClose(peer, reason))
    void sayGoodbye(reason, said).then(() => gone.resolve())
  }

  /** In good order: what was sent arrives, and the agent hangs up once it has read it. Otherwise at once. */
  const sayGoodbye = async (reason: LinkCloseReason, said: LinkCloseReason | undefined): Promise<void> => {
    const { closeMs } = limits
    const farewell = { reason: said ?? reason, closeMs }
    if (said === 'shutdown') {
      await Promise.race([sender.end(), delay(closeMs)])
      messages.end()
      const after = new Promise((resolve) => messages.once('close', resolve))
      await Promise.all([control, data].map((link) => closeSession(world, link, { ...farewell, after })))
      return
    }
    sender.stop()
    await Promise.all([
      closeSession(world, control, { ...farewell, cancel: [messages] }),
      closeSession(world, data, farewell),
    ])
  }

  /** The agent says goodbye on either socket; what it said before on the message stream is heard first. */
  const takeLeave = async (reason: LinkCloseReason): Promise<void> => {
    if (reason !== 'shutdown') return finish(reason, undefined)
    if (isTakingLeave) return
    isTakingLeave = true
    await Promise.race([messagesEnded.promise, delay(limits.closeMs)])
    isTakingLeave = false
    finish(reason, undefined)
  }

  const delay = (delayMs: number): Promise<void> => new Promise((resolve) => void world.after(delayMs, resolve))

  /** Fails with the link, and says why the link is gone rather than how that looked from the stream. */
  const whileOpen = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (closedFor !== undefined) throw linkClosed(closedFor)
    const { promise, reject } = Promise.withResolvers<never>()
    pending.add(reject)
    try {
      return await Promise.race([work(), promise])
    } catch (error) {
      if (error instanceof GarbledAnswerError) breakProtocol(error.message)
      throw closedFor === undefined ? error : linkClosed(closedFor)
    } finally {
      pending.delete(reject)
    }
  }

  async function* fetchBlob(bytes: AsyncGenerator<Uint8Array, void, undefined>): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const next = await whileOpen(() => bytes.next())
        if (next.done === true) return
        yield next.value
      }
    } finally {
      bytes.return().catch(() => {})
    }
  }

  const peer: AgentPeer = {
    provider,
    epoch,
    call: (call, request, callOptions) =>
      whileOpen(() => callAgent(world, control.session, call, request, callOptions, limits.maxCallBytes)),
    send: (message) => sender.send(message),
    putBlob: (cid, bytes) => whileOpen(() => putBlob(world, data.session, cid, bytes, limits)),
    getBlob: (cid, maxBytes) => fetchBlob(getBlob(world, data.session, cid, maxBytes, limits)),
    close: (reason) => finish(reason, reason),
  }

  messages.on('response', (headers) => {
    if (headers[':status'] !== 200) breakProtocol(`status ${headers[':status'] ?? 'none'} for the message stream`)
  })
  messages.on('data', (chunk: Buffer) => receiver.push(chunk))
  messages.on('error', () => {})
  messages.on('end', () => messagesEnded.resolve())
  messages.on('close', () => {
    messagesEnded.resolve()
    finish('lost', 'lost')
  })
  for (const { socket, session } of [control, data]) {
    socket.on('close', () => finish('lost', undefined))
    session.on('error', (error) => {
      const isGarbage =
        'code' in error && (error.code === 'ERR_HTTP2_ERROR' || error.code === 'ERR_HTTP2_SESSION_ERROR')
      if (isGarbage) breakProtocol(error.message)
    })
    session.on('goaway', (_code, _lastStream, debugData) => {
      const reason = closeReasonOf(debugData)
      if (reason !== undefined) void takeLeave(reason)
    })
    session.on('close', () => finish('lost', undefined))
  }
  guard('onOpen', () => handlers.onOpen(peer))
  return { peer, closed: gone.promise }
}
