import {
  defaultLinkLimits,
  linkClosed,
  maxClockSkewMs,
  MusterError,
  type Address,
  type AgentHandlers,
  type DialMarket,
  type LinkLimits,
  type MarketPeer,
  type PeerHandlers,
  type World,
} from '@muster/protocol'
import { createMemoryLink, type MemoryLink, type MemoryLinkNetwork } from './memory-link.ts'

interface Range {
  readonly min: number
  readonly max: number
}

export interface MemoryNetworkOptions {
  /** Of each message and of each half of a call, drawn anew each time; messages of one direction keep their order. */
  readonly latencyMs?: Range
  /** Until an end notices that its link broke. */
  readonly noticeMs?: Range
  /** Chance that a message, or half a call, breaks its link. */
  readonly breakChance?: number
  /** Chance that a chunk of a blob arrives with a wrong bit. */
  readonly corruptChance?: number
  /** Everything is encoded, decoded and checked against its schema, as on the wire; false passes values as they are. */
  readonly isChecked?: boolean
  readonly limits?: Partial<LinkLimits>
  /** The connection under a link broke, whoever knows of it. */
  onBreak?(provider: Address, epoch: number): void
  /** A message handler threw. By default the error is thrown on, so that a simulation fails where a program would log. */
  onHandlerError?(error: unknown): void
}

/** One node of a market on the network. */
export interface MemoryNode {
  readonly market: Address
  readonly world: World
  readonly handlers: PeerHandlers
  acceptEpoch(provider: Address, epoch: number): Promise<boolean>
}

export interface MemoryListener {
  /** Closes every link as `shutdown` and refuses dials. */
  close(): void
  /** Closes the provider's link where it is older than this epoch. */
  supersede(provider: Address, epoch: number): void
  /** The node is gone at once: nothing is said to it any more, and its agents notice in time. What it sent may yet arrive within `lingerMs`. */
  crash(lingerMs?: number): void
}

/** One agent's access to the network. Two with one address are two agents with one key. */
export interface MemoryAgent {
  readonly dial: DialMarket
  /** Breaks its link, if it has one. */
  cut(): void
  /** Nothing passes while held; for longer than the limits allow, the link is `silent`. */
  hold(isHeld: boolean): void
  /** The agent is gone at once; its market notices in time. A restarted agent takes a new `MemoryAgent`. */
  crash(lingerMs?: number): void
}

export interface MemoryNetwork {
  /** From now on no link breaks and no chunk is corrupted by chance. */
  calm(): void
  listen(node: MemoryNode): MemoryListener
  /** `world` is the agent's own, whose clock may be wrong. */
  agent(provider: Address, market: Address, world: World): MemoryAgent
}

interface Station {
  readonly node: MemoryNode
  readonly links: Map<Address, MemoryLink>
  /** Rejects what waits for a node that crashed. */
  readonly crashed: PromiseWithResolvers<never>
}

const superseded = (provider: Address, epoch: number): MusterError =>
  new MusterError({
    code: 'link_superseded',
    message: 'Another agent uses this key: it linked with the same or a later epoch. Run one agent with each key.',
    facts: { provider, epoch },
  })

const skewed = (skewMs: number): MusterError =>
  new MusterError({
    code: 'clock_skewed',
    message: `This machine's clock is ${Math.round(skewMs / 1000)} s off the market's.`,
    facts: { skewMs, maxSkewMs: maxClockSkewMs },
  })

/** What a process that is gone waits for. */
/** One for each call: a promise that all wait for would keep all of them. */
const never = (): Promise<never> => new Promise(() => {})

const zero: Range = { min: 0, max: 0 }

/**
 * The agent link without sockets, on `world`'s time and `random`'s chance (numbers in [0, 1)): what the simulator puts in
 * place of `createLinkServer` and `createDialer`. Calls and messages may overtake each other.
 */
export const createMemoryNetwork = (
  world: World,
  random: () => number,
  options: MemoryNetworkOptions = {},
): MemoryNetwork => {
  const draw = ({ min, max }: Range): number => min + random() * (max - min)
  const { latencyMs = zero, noticeMs = zero, breakChance = 0, corruptChance = 0, isChecked = true } = options
  let isCalm = false
  const network: MemoryLinkNetwork = {
    world,
    limits: { ...defaultLinkLimits, ...options.limits },
    isChecked,
    latencyMs: () => draw(latencyMs),
    noticeMs: () => draw(noticeMs),
    breaksNow: () => !isCalm && breakChance > 0 && random() < breakChance,
    corruptsNow: () => !isCalm && corruptChance > 0 && random() < corruptChance,
    onBreak: (provider, epoch) => options.onBreak?.(provider, epoch),
    onHandlerError:
      options.onHandlerError ??
      ((error) => {
        throw error
      }),
  }
  /** Of each market the nodes that are up. */
  const stations = new Map<Address, Station[]>()
  const isUp = (station: Station): boolean => stations.get(station.node.market)?.includes(station) === true

  /** A hop of the handshake; whoever it was meant for may be gone when it ends. */
  const hop = (): Promise<void> => new Promise((resolve) => void world.after(network.latencyMs(), resolve))

  const admit = async (
    station: Station,
    provider: Address,
    epoch: number,
    agentNow: number,
    handlers: AgentHandlers,
  ) => {
    const { node, links } = station
    const skewMs = agentNow - node.world.now()
    if (Math.abs(skewMs) > maxClockSkewMs) throw skewed(skewMs)
    const isNewest = await Promise.race([node.acceptEpoch(provider, epoch), station.crashed.promise])
    if (!isUp(station)) throw linkClosed('lost')
    const older = links.get(provider)
    if (!isNewest || (older !== undefined && older.epoch >= epoch)) throw superseded(provider, epoch)
    older?.peer.close('superseded')
    const link = createMemoryLink(
      network,
      { market: node.market, provider, epoch },
      {
        ...node.handlers,
        onMessage: (peer, message) => node.handlers.onMessage(peer, message),
        onClose: (peer, reason) => {
          if (links.get(provider)?.epoch === epoch) links.delete(provider)
          node.handlers.onClose(peer, reason)
        },
      },
      handlers,
    )
    links.set(provider, link)
    node.handlers.onOpen(link.peer)
    return link
  }

  return {
    calm: () => {
      isCalm = true
    },
    listen: (node) => {
      const station: Station = { node, links: new Map(), crashed: Promise.withResolvers() }
      station.crashed.promise.catch(() => {})
      stations.set(node.market, [...(stations.get(node.market) ?? []), station])
      const leave = () => {
        const left = (stations.get(node.market) ?? []).filter((each) => each !== station)
        stations.set(node.market, left)
      }
      return {
        close: () => {
          leave()
          for (const link of [...station.links.values()]) link.peer.close('shutdown')
        },
        supersede: (provider, epoch) => {
          const link = station.links.get(provider)
          if (link !== undefined && link.epoch < epoch) link.peer.close('superseded')
        },
        crash: (lingerMs) => {
          leave()
          for (const link of station.links.values()) link.crash('market', lingerMs)
          world.after(network.noticeMs(), () => station.crashed.reject(linkClosed('lost')))
        },
      }
    },
    agent: (provider, market, agentWorld) => {
      let current: MemoryLink | undefined
      let isHeld = false
      let isCrashed = false
      /** Agents begin with different nodes, whoever they are. */
      let dials = Number.parseInt(provider.slice(-6), 16)
      const dial = async (epoch: number, handlers: AgentHandlers): Promise<MarketPeer> => {
        await hop()
        const up = stations.get(market) ?? []
        const station = up[dials++ % up.length]
        if (station === undefined || isHeld || network.breaksNow()) throw linkClosed('lost')
        const link = await admit(station, provider, epoch, agentWorld.now(), handlers)
        if (isCrashed) link.crash('agent')
        current = link
        return link.marketPeer
      }
      return {
        dial: async (epoch, handlers) => {
          if (isCrashed) return never()
          try {
            const peer = await dial(epoch, handlers)
            return isCrashed ? await never() : peer
          } catch (error) {
            if (isCrashed) await never()
            throw error
          }
        },
        cut: () => current?.break(),
        hold: (held) => {
          isHeld = held
          current?.hold(held)
        },
        crash: (lingerMs) => {
          isCrashed = true
          current?.crash('agent', lingerMs)
        },
      }
    },
  }
}
