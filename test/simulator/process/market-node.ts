import {
  MusterError,
  sleep,
  type Address,
  type AgentPeer,
  type Cid,
  type MarketMessage,
  type PeerHandlers,
} from '@muster/protocol'
import {
  compileMarketOptions,
  createMarket,
  createMemoryBlobs,
  createMemoryStore,
  type Market,
  type Store,
} from '@muster/market'
import type { ClusterLink } from '../../../market/cluster/cluster.ts'
import type { NodeId } from '../../../market/store/node-store.ts'
import type { BlobStore } from '../../../market/blob/blob-store.ts'
import type { PlantedBug } from '../../../market/planted-bug.ts'
import { createMemoryDisk, type MemoryDisk } from '../../../market/store/memory/memory-disk.ts'
import type { Commit } from '../../../market/store/store.ts'
import type { MemoryListener, MemoryNetwork } from '../memory-network.ts'
import type { CommitPoint, MarketPlan } from '../scenario/scenario.ts'
import { createProcessWorld, type ProcessWorld } from '../world/process-world.ts'
import { createCommitQueue } from './commit-queue.ts'
import { chainId } from './keys.ts'
import { createRunLog } from './run-log.ts'
import { describeJobEvent, describeMessage, type Run } from './run.ts'

/** What a node has in common with the others of its market. */
export interface NodeMember {
  readonly name: string
  readonly disk: MemoryDisk
  readonly blobs: Map<Cid, Uint8Array>
  /** Opens what this run of it reaches the others by. */
  readonly open: (process: ProcessWorld) => ClusterLink
  /** Whether it reaches no database now. */
  readonly isAway: () => boolean
}

/** A market: its node, crashed and started again on the same disk, or several of them. */
export interface MarketNode {
  readonly address: Address
  readonly disk: MemoryDisk
  readonly blobs: Map<Cid, Uint8Array>
  /** The running market, if it is up. */
  market(): Market | undefined
  /** Those of all nodes that are up. */
  markets(): readonly Market[]
  start(): Promise<void>
  /** Gone at once; back after `downMs`. */
  crash(downMs: number): void
  setClock(skewMs: number): void
  /** From now on nothing of the plan happens any more. */
  calm(): void
  readonly commits: () => number
  readonly snapshots: () => number
  readonly collected: () => number
  /** Places where it was crashed, as `<commit>.<point>`. */
  readonly crashPoints: string[]
  upSince(): number
}

interface Life {
  readonly process: ProcessWorld
  /** Of this run, where it is one of several nodes. */
  readonly id: () => NodeId | undefined
  market: Market | undefined
  listener: MemoryListener | undefined
}

/** What was sent last may still arrive, or not. */
const lingersMs = [0, 0, 5, 300]

class CrashError extends Error {
  override readonly name = 'CrashError'
}

const hiccup = (point: CommitPoint): MusterError =>
  new MusterError({
    code: 'unavailable',
    message: 'The database cannot be reached.',
    facts: point === 'after-commit' ? { outcome: 'unknown' } : {},
  })

export const createMarketNode = (
  plan: MarketPlan,
  network: MemoryNetwork,
  run: Run,
  bugs: ReadonlySet<PlantedBug>,
  member?: NodeMember,
): MarketNode => {
  const { timeline, story, isTold, violations, reach, jobs, ledger } = run
  const signer = run.keys.signerOf(run.market)
  const disk = member?.disk ?? createMemoryDisk()
  const blobs = member?.blobs ?? new Map<Cid, Uint8Array>()
  /** Of the agents linked to this node, with their epochs. */
  const linked = new Map<Address, number>()
  const crashPoints: string[] = []
  const options = compileMarketOptions({
    chainId,
    graceMs: plan.graceMs,
    restartGraceMs: plan.restartGraceMs,
    progressSlackMs: plan.progressSlackMs,
    leaseTermMs: plan.leaseTermMs,
    keepBlobsMs: plan.keepBlobsMs,
    cleanEveryMs: plan.cleanEveryMs,
    snapshotEvents: plan.snapshotEvents,
    feeBasisPoints: 137,
    benchmarkHours: 0,
  })
  let life: Life | undefined
  let lives = 0
  let commits = 0
  let snapshots = 0
  let collected = 0
  let upSince = 0
  let skewMs = 0
  let isCalm = false
  const done = new Set<object>()
  const weather = run.random.fork('database')
  let current: Commit = {}
  /** The run of the node that `current` is of: it may be over when the commit lands. */
  let writer: NodeId | undefined

  const crash = (downMs: number): void => {
    if (life === undefined) return
    story.tell(run.market, `crashes, back in ${downMs} ms`)
    life.process.kill()
    life.listener?.crash(run.random.pick(lingersMs))
    life = undefined
    if (member === undefined) reach.allGone()
    else for (const [provider, epoch] of linked) reach.unlinked(provider, epoch)
    linked.clear()
    timeline.after(downMs, () => void start())
  }

  const requireOwner = (): void => {
    if (member === undefined) return
    for (const { stream } of current.appends ?? []) {
      const owner = disk.owners.get(stream)
      if (owner !== writer) violations.report('one-writer', `${member.name} wrote to ${stream}, which ${owner} owns`)
    }
  }

  const pass = (point: CommitPoint): void => {
    const commit = commits
    if (point === 'after-commit') {
      commits++
      requireOwner()
      jobs.committed(current)
      ledger.post(current.entries ?? [])
      for (const { stream, events } of current.appends ?? [])
        story.tell(
          run.market === 'market' ? 'journal' : `${run.market}’s journal`,
          isTold ? events.map(describeJobEvent).join('; ') : `${stream} ${events.map(({ type }) => type)}`,
        )
    }
    if (isCalm) return
    const planned = plan.crashesAtCommit.find(
      (fault) => fault.commit === commit && fault.point === point && !done.has(fault),
    )
    if (planned !== undefined) {
      done.add(planned)
      if (planned.afterMs > 0) {
        crashPoints.push(`${commit}.later`)
        const own = life
        timeline.after(planned.afterMs, () => {
          if (life === own && !isCalm) crash(planned.downMs)
        })
        return
      }
      crashPoints.push(`${commit}.${point}`)
      story.tell(run.market, `reaches ${point} ${commit}`)
      crash(planned.downMs)
      throw new CrashError(point)
    }
    const isDown = plan.hiccupChance > 0 && weather.chance(plan.hiccupChance)
    if (isDown || plan.hiccups.some((fault) => fault.commit === commit && fault.point === point)) {
      // A commit that is refused before it is durable does not count, so that the next one is the one after it.
      if (point === 'before-commit') commits++
      story.tell(run.market, `has a hiccup ${point} ${commit}`)
      throw hiccup(point)
    }
  }

  const openStore = ({ world, isAlive }: ProcessWorld): Store => {
    const random = run.random.fork(`disk ${lives}`)
    const store = createMemoryStore({ disk, onFaultPoint: pass })
    const queue = createCommitQueue(world, () => (plan.commitDelayMs === 0 ? 0 : random.between(0, plan.commitDelayMs)))
    const failing = run.random.fork(`reads ${lives}`)
    const really =
      <Args extends readonly unknown[], Result>(read: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        if (member?.isAway() === true) throw hiccup('before-commit')
        if (plan.readDelayMs > 0) await sleep(world, random.between(0, plan.readDelayMs))
        if (!isCalm && failing.chance(plan.readFailChance)) {
          story.tell(run.market, 'cannot read')
          throw hiccup('before-commit')
        }
        return read(...args)
      }
    const near: Store['nodes'] = {
      ...store.nodes,
      beat: really(store.nodes.beat),
      list: really(store.nodes.list),
      claim: really(store.nodes.claim),
      ownersOf: really(store.nodes.ownersOf),
    }
    const providers: Store['providers'] = {
      ...store.providers,
      advanceEpoch: async (...all) => {
        if (member?.isAway() === true) throw hiccup('before-commit')
        return store.providers.advanceEpoch(...all)
      },
    }
    return {
      ...store,
      nodes: near,
      providers,
      readStream: really(store.readStream),
      readEvents: really(store.readEvents),
      jobs: { ...store.jobs, get: really(store.jobs.get), active: really(store.jobs.active) },
      ledger: { ...store.ledger, balances: really(store.ledger.balances) },
      blobs: { ...store.blobs, known: really(store.blobs.known), unreferenced: really(store.blobs.unreferenced) },
      writeSnapshot: (snapshot) => {
        snapshots++
        return store.writeSnapshot(snapshot)
      },
      commit: (commit) => {
        // What a message that was on its way does in a process that has ended, it does not do.
        if (!isAlive()) return new Promise<never>(() => {})
        const by = life?.id()
        return queue(() => {
          if (member?.isAway() === true) return Promise.reject(hiccup('before-commit'))
          current = commit
          writer = by
          return store.commit(commit)
        })
      },
    }
  }

  const openBlobs = (): BlobStore => {
    const plain = createMemoryBlobs(blobs)
    return {
      ...plain,
      remove: async (cid, olderThan) => {
        const isGone = await plain.remove(cid, olderThan)
        if (isGone) collected++
        return isGone
      },
    }
  }

  /** The link as the market sees it, with an ear on what its agents answer. */
  const overhear = (peer: AgentPeer): AgentPeer => ({
    ...peer,
    send: (message: MarketMessage) => {
      if (isTold) story.tell(run.market, `→ ${run.nameOf(peer.provider)} ${describeMessage(message)}`)
      peer.send(message)
    },
    call: async (call, request, callOptions) => {
      if (isTold) story.tell(run.market, `calls ${run.nameOf(peer.provider)} ${call}`)
      const answer = await peer.call(call, request, callOptions)
      if (call === 'holdings' || call === 'open-lease') reach.answered(peer.provider, peer.epoch)
      return answer
    },
  })

  const handlersOf = ({ peers }: Market): PeerHandlers => {
    const overheard = new Map<AgentPeer, AgentPeer>()
    return {
      onOpen: (peer) => {
        const known = overhear(peer)
        overheard.set(peer, known)
        reach.linked(peer.provider, peer.epoch)
        linked.set(peer.provider, peer.epoch)
        peers.onOpen(known)
      },
      onMessage: (peer, message) => {
        if (isTold) story.tell(run.nameOf(peer.provider), `→ ${run.market} ${describeMessage(message)}`)
        peers.onMessage(overheard.get(peer) ?? peer, message)
      },
      onClose: (peer, reason) => {
        reach.unlinked(peer.provider, peer.epoch)
        if (linked.get(peer.provider) === peer.epoch) linked.delete(peer.provider)
        peers.onClose(overheard.get(peer) ?? peer, reason)
        overheard.delete(peer)
      },
    }
  }

  const start = async (): Promise<void> => {
    const process = createProcessWorld(timeline, run.random.fork(`market ${lives++}`), skewMs)
    const opened: Market[] = []
    const own: Life = { process, id: () => opened[0]?.cluster?.id(), market: undefined, listener: undefined }
    life = own
    const log = createRunLog(run.market, process.isAlive, () => false, run)
    const store = openStore(process)
    const market = createMarket(options, {
      world: process.world,
      store,
      blobs: openBlobs(),
      secp256k1: run.keys.secp256k1,
      signer,
      personalSecret: new Uint8Array(32),
      log,
      bugs,
      ...(member === undefined ? {} : { cluster: member.open(process) }),
    })
    opened.push(market)
    const listen = () => {
      own.listener = network.listen({
        market: signer.address,
        world: process.world,
        handlers: handlersOf(market),
        acceptEpoch: market.acceptEpoch,
      })
      market.supersede = own.listener.supersede
    }
    if (plan.linksEarly) listen()
    try {
      await market.start()
    } catch (error) {
      // A program that cannot read what it must take up ends, and whoever runs it starts it again.
      story.tell(run.market, `cannot start: ${String(error)}`)
      if (life === own) crash(500)
      return
    }
    if (life !== own) return
    own.market = market
    if (!plan.linksEarly) listen()
    upSince = timeline.now()
    story.tell(run.market, 'is up')
  }

  return {
    address: signer.address,
    disk,
    blobs,
    market: () => life?.market,
    markets: () => (life?.market === undefined ? [] : [life.market]),
    start,
    crash,
    setClock: (ms) => {
      skewMs = ms
      life?.process.setSkew(ms)
    },
    calm: () => {
      isCalm = true
    },
    commits: () => commits,
    snapshots: () => snapshots,
    collected: () => collected,
    crashPoints,
    upSince: () => upSince,
  }
}
