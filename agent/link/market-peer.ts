import type { Http2Session, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import {
  blobCidOf,
  callNameOf,
  closeReasonOf,
  createMessageReceiver,
  createMessageSender,
  linkClosed,
  marketMessageSchema,
  messagesPath,
  MusterError,
  watchProgress,
  type Address,
  type AgentHandlers,
  type AgentMessage,
  type LinkCloseReason,
  type LinkLimits,
  type MarketMessage,
  type MarketPeer,
  type World,
} from '@muster/protocol'
import { answerProblem } from './answer-stream.ts'
import { closeSession } from './close-session.ts'
import type { LinkLog } from './dialer-options.ts'
import { serveBlobGet, serveBlobPut } from './serve-blob.ts'
import { createCallBudget, serveCall } from './serve-call.ts'
import { serveSession } from './serve-session.ts'

export interface MarketPeerModules {
  readonly world: World
  readonly log: LinkLog
  readonly handlers: AgentHandlers
  readonly limits: LinkLimits
}

export interface HalfMarketPeer {
  /** Adds the data socket. Resolves once the market opened the message stream; rejects with `link_closed`, `timeout`. */
  complete(data: Socket): Promise<MarketPeer>
  /** Lets go of the control socket where no data socket came. */
  abandon(): void
}

const notHere = (path: string): MusterError =>
  new MusterError({
    code: 'not_found',
    message: 'This agent has no such route on this socket.',
    facts: { path: path.slice(0, 128) },
    fault: 'market',
  })

/** The agent's end of a link: serves the market over the control socket, and over the data socket once it is there. */
export const createMarketPeer = (
  market: Address,
  controlSocket: Socket,
  { world, log, handlers, limits }: MarketPeerModules,
): HalfMarketPeer => {
  const opened = Promise.withResolvers<MarketPeer>()
  const closed = Promise.withResolvers<LinkCloseReason>()
  const messagesEnded = Promise.withResolvers<void>()
  const sockets: { readonly socket: Socket; readonly session: ServerHttp2Session }[] = []
  const watches: { stop(): void }[] = []
  let messages: ServerHttp2Stream | undefined
  let closedFor: LinkCloseReason | undefined
  /** Messages that came before whoever dialled has the peer. */
  let early: Uint8Array[] | undefined = []
  let isTakingLeave = false
  opened.promise.catch(() => {})

  const delay = (delayMs: number): Promise<void> => new Promise((resolve) => void world.after(delayMs, resolve))

  const finish = (reason: LinkCloseReason, isOurs: boolean): void => {
    if (closedFor !== undefined || isTakingLeave) return
    closedFor = reason
    for (const watch of watches) watch.stop()
    receiver.stop()
    opened.reject(linkClosed(reason))
    void sayGoodbye(reason, isOurs).then(() => closed.resolve(reason))
  }

  /** In good order: what was sent arrives, and the market hangs up once it has read it. Otherwise at once. */
  const sayGoodbye = async (reason: LinkCloseReason, isOurs: boolean): Promise<void> => {
    const farewell = { reason, closeMs: limits.closeMs }
    const stream = messages
    if (isOurs && reason === 'shutdown' && stream !== undefined) {
      await Promise.race([sender.end(), delay(limits.closeMs)])
      stream.end()
      const after = new Promise((resolve) => stream.once('close', resolve))
      await Promise.all(sockets.map((link) => closeSession(world, link, { ...farewell, after })))
      return
    }
    sender.stop()
    const cancel = stream === undefined ? [] : [stream]
    await Promise.all(
      sockets.map((link, at) => closeSession(world, link, at === 0 ? { ...farewell, cancel } : farewell)),
    )
  }

  /** The market says goodbye on either socket; what it said before on the message stream is heard first. */
  const takeLeave = async (reason: LinkCloseReason, kind: 'control' | 'data'): Promise<void> => {
    if (reason !== 'shutdown') return finish(reason, false)
    if (kind === 'control' && messages === undefined) messagesEnded.resolve()
    if (isTakingLeave) return
    isTakingLeave = true
    await Promise.race([messagesEnded.promise, delay(limits.closeMs)])
    // Behind the timer that hands on the first messages of a link this new.
    await delay(0)
    isTakingLeave = false
    finish(reason, false)
  }

  const sender = createMessageSender<AgentMessage>({
    ...limits,
    write: (bytes, done) => messages?.write(bytes, done),
    onOverflow: (queuedBytes) => {
      log.warn('The market does not read its messages; the link is closed.', { market, queuedBytes })
      finish('lost', true)
    },
  })

  const receiver = createMessageReceiver<MarketMessage>({
    schema: marketMessageSchema,
    maxFrameBytes: limits.maxFrameBytes,
    onMessage: (message) => {
      if (message.type === 'pong') return
      try {
        handlers.onMessage(message)
      } catch (error) {
        log.warn('A message of the market could not be handled.', { market, type: message.type, error: String(error) })
      }
    },
    onGarbage: (found) => {
      log.warn('The market sent what the protocol does not allow; the link is closed.', { market, found })
      finish('protocol-error', true)
    },
  })

  const peer: MarketPeer = {
    market,
    send: (message) => sender.send(message),
    close: () => finish('shutdown', true),
    closed: closed.promise,
  }

  const openMessages = (stream: ServerHttp2Stream): void => {
    messages = stream
    stream.respond({ ':status': 200 })
    stream.on('end', () => messagesEnded.resolve())
    stream.on('close', () => {
      messagesEnded.resolve()
      finish('lost', true)
    })
    stream.on('data', (chunk: Buffer) => {
      if (early === undefined) receiver.push(chunk)
      else early.push(chunk)
    })
    opened.resolve(peer)
    world.after(0, () => {
      const chunks = early ?? []
      early = undefined
      for (const chunk of chunks) receiver.push(chunk)
    })
  }

  const callLimits = { maxCallBytes: limits.maxCallBytes, budget: createCallBudget() }

  const serveControl = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    const path = headers[':path'] ?? ''
    const call = callNameOf(path)
    if (headers[':method'] !== 'POST') return answerProblem(stream, notHere(path))
    if (call !== undefined) return serveCall(stream, call, handlers.onCall, callLimits)
    if (path === messagesPath && messages === undefined) return openMessages(stream)
    return answerProblem(stream, notHere(path))
  }

  const serveData = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    const path = headers[':path'] ?? ''
    const cid = blobCidOf(path)
    const method = headers[':method']
    if (cid !== undefined && method === 'PUT') void serveBlobPut(stream, cid, handlers.onPutBlob, limits.maxBlobBytes)
    else if (cid !== undefined && method === 'GET') void serveBlobGet(stream, cid, handlers.onGetBlob)
    else answerProblem(stream, notHere(path))
  }

  const followSession = (session: Http2Session, kind: 'control' | 'data'): void => {
    session.on('error', (error) => log.warn('The connection to the market failed.', { market, error: error.message }))
    session.on('goaway', (_code, _lastStream, debugData) => {
      const reason = closeReasonOf(debugData)
      if (reason !== undefined) void takeLeave(reason, kind)
    })
    session.on('close', () => finish('lost', false))
  }

  const addSocket = (socket: Socket, kind: 'control' | 'data'): void => {
    const session = serveSession(socket, kind, kind === 'control' ? serveControl : serveData)
    sockets.push({ socket, session })
    followSession(session, kind)
    socket.on('close', () => {
      if (kind === 'control') messagesEnded.resolve()
      finish('lost', false)
    })
    watches.push(
      watchProgress(world, {
        intervalMs: limits.pingIntervalMs,
        maxIdleIntervals: limits.silentIntervals,
        count: () => socket.bytesRead,
        probe: () => {
          if (kind === 'control' && messages !== undefined) sender.send({ type: 'ping', at: world.now() })
        },
        onStalled: () => {
          log.warn('Nothing was heard from the market; the link is closed.', { market, socket: kind })
          finish('silent', true)
        },
      }),
    )
  }

  addSocket(controlSocket, 'control')
  return {
    complete: (data) => {
      if (closedFor !== undefined) {
        data.destroy()
        throw linkClosed(closedFor)
      }
      addSocket(data, 'data')
      return opened.promise
    },
    abandon: () => finish('shutdown', true),
  }
}
