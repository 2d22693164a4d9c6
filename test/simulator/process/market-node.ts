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

/** The one node of the market, crashed and started again on the same disk. */
export interface MarketNode {
  readonly address: Address
  readonly disk: MemoryDisk
  readonly blobs: Map<Cid, Uint8Array>
  /** The running market, if it is up. */
  market(): Market | undefined
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
): MarketNode => {
  const { timeline, story, violations, reach, jobs, ledger } = run
  const signer = run.keys.signerOf('market')
  const disk = createMemoryDisk()
  const blobs = new Map<Cid, Uint8Array>()
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

  const crash = (downMs: number): void => {
    if (life === undefined) return
    story.tell('market', `crashes, back in ${downMs} ms`)
    life.process.kill()
    life.listener?.crash(run.random.pick(lingersMs))
    life = undefined
    reach.allGone()
    timeline.after(downMs, () => void start())
  }

  const pass = (point: CommitPoint): void => {
    const commit = commits
    if (point === 'after-commit') {
      commits++
      jobs.committed(current)
      ledger.post(current.entries ?? [])
      for (const { events } of current.appends ?? [])
        story.tell('journal', events.map((event) => describeJobEvent(event)).join('; '))
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
      story.tell('market', `reaches ${point} ${commit}`)
      crash(planned.downMs)
      throw new CrashError(point)
    }
    const isDown = plan.hiccupChance > 0 && weather.chance(plan.hiccupChance)
    if (isDown || plan.hiccups.some((fault) => fault.commit === commit && fault.point === point)) {
      // A commit that is refused before it is durable does not count, so that the next one is the one after it.
      if (point === 'before-commit') commits++
      story.tell('market', `has a hiccup ${point} ${commit}`)
      throw hiccup(point)
    }
  }

  const openStore = ({ world }: ProcessWorld): Store => {
    const random = run.random.fork(`disk ${lives}`)
    const store = createMemoryStore({ disk, onFaultPoint: pass })
    const queue = createCommitQueue(world, () => (plan.commitDelayMs === 0 ? 0 : random.between(0, plan.commitDelayMs)))
    const failing = run.random.fork(`reads ${lives}`)
    const really =
      <Args extends readonly unknown[], Result>(read: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        if (plan.readDelayMs > 0) await sleep(world, random.between(0, plan.readDelayMs))
        if (!isCalm && failing.chance(plan.readFailChance)) {
          story.tell('market', 'cannot read')
          throw hiccup('before-commit')
        }
        return read(...args)
      }
    return {
      ...store,
      readStream: really(store.readStream),
      readEvents: really(store.readEvents),
      jobs: { ...store.jobs, get: really(store.jobs.get), active: really(store.jobs.active) },
      ledger: { ...store.ledger, balances: really(store.ledger.balances) },
      blobs: { ...store.blobs, known: really(store.blobs.known), unreferenced: really(store.blobs.unreferenced) },
      writeSnapshot: (snapshot) => {
        snapshots++
        return store.writeSnapshot(snapshot)
      },
      commit: (commit) =>
        queue(() => {
          current = commit
          return store.commit(commit)
        }),
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
      story.tell('market', `→ ${run.nameOf(peer.provider)} ${describeMessage(message)}`)
      peer.send(message)
    },
    call: async (call, request, callOptions) => {
      story.tell('market', `calls ${run.nameOf(peer.provider)} ${call}`)
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
        peers.onOpen(known)
      },
      onMessage: (peer, message) => {
        story.tell(run.nameOf(peer.provider), `→ market ${describeMessage(message)}`)
        peers.onMessage(overheard.get(peer) ?? peer, message)
      },
      onClose: (peer, reason) => {
        reach.unlinked(peer.provider, peer.epoch)
        peers.onClose(overheard.get(peer) ?? peer, reason)
        overheard.delete(peer)
      },
    }
  }

  const start = async (): Promise<void> => {
    const process = createProcessWorld(timeline, run.random.fork(`market ${lives++}`), skewMs)
    const own: Life = { process, market: undefined, listener: undefined }
    life = own
    const log = createRunLog('market', process.isAlive, () => false, story, violations)
    const store = openStore(process)
    const market = createMarket(options, {
      world: process.world,
      store,
      blobs: openBlobs(),
      secp256k1: run.keys.secp256k1,
      signer,
      log,
      bugs,
    })
    const listen = () => {
      own.listener = network.listen({
        market: signer.address,
        world: process.world,
        handlers: handlersOf(market),
        acceptEpoch: market.acceptEpoch,
      })
    }
    if (plan.linksEarly) listen()
    try {
      await market.start()
    } catch (error) {
      // A program that cannot read what it must take up ends, and whoever runs it starts it again.
      story.tell('market', `cannot start: ${String(error)}`)
      if (life === own) crash(500)
      return
    }
    if (life !== own) return
    own.market = market
    if (!plan.linksEarly) listen()
    upSince = timeline.now()
    story.tell('market', 'is up')
  }

  return {
    address: signer.address,
    disk,
    blobs,
    market: () => life?.market,
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
