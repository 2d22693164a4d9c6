import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  defaultLinkLimits,
  helloHeader,
  linkProtocol,
  MusterError,
  type Address,
  type ErrorCode,
  type Hex,
  type LinkCloseReason,
  type LinkHello,
  type PeerHandlers,
  type Timer,
  type Verifier,
  type World,
} from '@muster/protocol'
import { openAgentPeer, type OpenAgentPeer } from './agent-peer.ts'
import { acceptUpgrade, refuseUpgrade } from './answer-upgrade.ts'
import { createChallenges } from './challenge.ts'
import { checkHello, decodeHello } from './check-hello.ts'
import { closeSession } from './close-session.ts'
import { silentLog, type LinkLog, type LinkServerOptions } from './link-options.ts'
import { openSession, type LinkSocket } from './open-session.ts'
import { tlsBindingOf } from './tls-binding.ts'

export interface LinkServerModules {
  readonly world: World
  readonly verifier: Verifier
  readonly handlers: PeerHandlers
  /**
   * Durable compare-and-set: remembers `epoch` for the provider and answers true where it is newer than any before.
   * May throw a `MusterError`, such as `forbidden`; the agent is told.
   */
  acceptEpoch(provider: Address, epoch: number): Promise<boolean>
  /** The HTTP status of an error code, by the market's one map of errors to HTTP; 403 for all without it. */
  statusOf?(code: ErrorCode): number
  readonly log?: LinkLog
}

export interface LinkServer {
  /** Answers `POST /v1/agent/challenge`. Costs no memory. */
  issueChallenge(provider: Address): { challenge: Hex; market: Address; chainId: number; at: number }
  /** For the `upgrade` event of the node's HTTP server, where the path is `/v1/agent/link`. Never throws. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Closes a provider's link as `superseded` where its epoch is older than `epoch`: it linked to another node. */
  supersede(provider: Address, epoch: number): void
  readonly linkCount: number
  /** Refuses new sockets, closes every link as `shutdown`, and resolves when their sockets are gone. */
  close(): Promise<void>
}

type Link =
  | { readonly phase: 'half'; readonly epoch: number; readonly control: LinkSocket; readonly timer: Timer }
  | { readonly phase: 'open'; readonly epoch: number; readonly open: OpenAgentPeer }

const unavailable = (message: string): MusterError => new MusterError({ code: 'unavailable', message })

const superseded = (provider: Address, epoch: number, newest?: number): MusterError =>
  new MusterError({
    code: 'link_superseded',
    message: 'Another agent uses this key: it linked with the same or a later epoch. Run one agent with each key.',
    facts: { provider, epoch, ...(newest === undefined ? {} : { newest }) },
  })

const invalid = (message: string): MusterError =>
  new MusterError({ code: 'request_invalid', message, fault: 'provider' })

/** The market's side of the agent link: attach `handleUpgrade` to an HTTP or HTTPS server. */
export const createLinkServer = (options: LinkServerOptions, modules: LinkServerModules): LinkServer => {
  const { world, verifier, handlers, log = silentLog, statusOf = () => 403 } = modules
  const { market, chainId, behindTlsProxy = false, maxLinks = 100_000, maxHandshakes = 1_000 } = options
  const limits = { ...defaultLinkLimits, ...options.limits }
  const challenges = createChallenges(world, maxLinks * 4)
  const links = new Map<Address, Link>()
  const closing = new Set<Promise<void>>()
  let handshakes = 0
  let isClosed = false

  const closeHalf = (control: LinkSocket, reason: LinkCloseReason): void => {
    const done = closeSession(world, control, { reason, closeMs: limits.closeMs }).finally(() => closing.delete(done))
    closing.add(done)
  }

  const drop = (provider: Address, link: Link, reason: LinkCloseReason): void => {
    if (link.phase === 'open') return link.open.peer.close(reason)
    link.timer.cancel()
    if (links.get(provider) === link) links.delete(provider)
    closeHalf(link.control, reason)
  }

  const openControl = (socket: Socket, { provider, epoch }: LinkHello): void => {
    const older = links.get(provider)
    if (older !== undefined) drop(provider, older, 'superseded')
    acceptUpgrade(socket)
    const control = openSession(socket, 'control')
    const timer = world.after(limits.handshakeMs, () => {
      log.info('An agent opened no data socket; its control socket is closed.', { provider, epoch })
      drop(provider, link, 'lost')
    })
    const link: Link = { phase: 'half', epoch, control, timer }
    control.session.on('error', () => {})
    control.session.on('close', () => {
      if (links.get(provider) === link) drop(provider, link, 'lost')
    })
    links.set(provider, link)
  }

  const openData = (socket: Socket, { provider, epoch }: LinkHello): void => {
    const half = links.get(provider)
    if (half?.phase !== 'half' || half.epoch !== epoch) throw superseded(provider, epoch, half?.epoch)
    half.timer.cancel()
    acceptUpgrade(socket)
    const data = openSession(socket, 'data')
    links.delete(provider)
    let isGone = false
    const open = openAgentPeer(
      { provider, epoch, control: half.control, data, limits },
      {
        world,
        log,
        handlers,
        onGone: () => {
          isGone = true
          if (links.get(provider)?.epoch === epoch) links.delete(provider)
        },
      },
    )
    closing.add(open.closed)
    void open.closed.finally(() => closing.delete(open.closed))
    if (!isGone) links.set(provider, { phase: 'open', epoch, open })
  }

  const admit = async (request: IncomingMessage, socket: Socket): Promise<void> => {
    if (isClosed) throw unavailable('This node of the market is shutting down.')
    if (request.headers.upgrade?.toLowerCase() !== linkProtocol) throw invalid(`Expected Upgrade: ${linkProtocol}.`)
    const header = request.headers[helloHeader]
    if (typeof header !== 'string') throw invalid('Expected a signed hello in the header Muster-Link.')
    const signed = decodeHello(header)
    challenges.check(signed.record.provider, signed.record.challenge)
    const expected = {
      domain: { chainId, market },
      now: world.now(),
      tlsBinding: tlsBindingOf(socket),
      behindTlsProxy,
    }
    const hello = checkHello(signed, expected, verifier)
    challenges.redeem(hello.provider, hello.challenge)
    if (hello.socket === 'data') return openData(socket, hello)
    if (!links.has(hello.provider) && links.size >= maxLinks) throw unavailable('This node of the market is full.')
    const isNewest = await modules.acceptEpoch(hello.provider, hello.epoch)
    const newest = links.get(hello.provider)?.epoch
    if (!isNewest || (newest !== undefined && newest >= hello.epoch))
      throw superseded(hello.provider, hello.epoch, newest)
    if (isClosed) throw unavailable('This node of the market is shutting down.')
    if (!socket.destroyed) openControl(socket, hello)
  }

  const refuse = (socket: Socket, error: unknown): void => {
    const isKnown = error instanceof MusterError
    const facts = isKnown ? { code: error.code, reason: error.message } : { reason: String(error) }
    log[isKnown ? 'info' : 'warn']('An agent was refused a link.', { ...facts, from: socket.remoteAddress })
    refuseUpgrade(socket, isKnown ? statusOf(error.code) : 500, error)
  }

  return {
    issueChallenge: (provider) => ({ challenge: challenges.issue(provider), market, chainId, at: world.now() }),
    handleUpgrade: (request, duplex, head) => {
      const socket = duplex instanceof Socket ? duplex : undefined
      if (socket === undefined) {
        duplex.destroy()
        return
      }
      socket.on('error', () => {})
      if (head.length > 0) return refuse(socket, invalid('An agent says nothing before its upgrade is answered.'))
      if (handshakes >= maxHandshakes) return refuse(socket, unavailable('Too many agents are linking at once.'))
      handshakes += 1
      admit(request, socket)
        .catch((error: unknown) => refuse(socket, error))
        .finally(() => (handshakes -= 1))
    },
    supersede: (provider, epoch) => {
      const link = links.get(provider)
      if (link !== undefined && link.epoch < epoch) drop(provider, link, 'superseded')
    },
    get linkCount() {
      return links.size
    },
    close: async () => {
      isClosed = true
      for (const [provider, link] of links) drop(provider, link, 'shutdown')
      await Promise.all(closing)
    },
  }
}
