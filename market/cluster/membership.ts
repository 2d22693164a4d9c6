import { MusterError, toHex, type Address, type JobId, type Log, type Timer, type World } from '@muster/protocol'
import type { MarketFact, NodeId, NodeRow } from '../store/node-store.ts'
import type { Store } from '../store/store.ts'

export interface MembershipOptions {
  readonly name: string
  /** Where others reach this node; `null` for one that works alone. */
  readonly url: string | null
  readonly market: Address
  readonly blobs: string
  readonly version: string
  /** A node whose beat stands still for so long is taken out, by the time of whoever looks. */
  readonly timeoutMs: number
}

export interface MembershipModules {
  readonly world: World
  readonly store: Store
  readonly log: Log
  readonly load: () => Pick<NodeRow, 'links' | 'jobs'>
  /** Takes up a job that this node owns from now on. One that rejects is tried again. */
  readonly takeUp: (job: JobId) => Promise<void>
  /** Lets go of every job: they are others' to claim. */
  readonly letGo: () => void
  /** The other nodes that are up have changed. */
  readonly onNodes: (nodes: readonly NodeRow[]) => void
  /** With the `elapsed` at which they were asked for. */
  readonly onFacts: (facts: ReadonlyMap<MarketFact, string>, askedAt: number) => void
  /** It looked, and goes on. */
  readonly onLooked: () => void
  /** This node took another one out. */
  readonly onTakenOut: (node: NodeRow) => void
  /** Others should look at the registry now. */
  readonly tellOthers: () => void
}

/** This node among those of its market, by the rows that all of them keep in the store. */
export interface Membership {
  /** Of this run: another one after it was taken out. */
  id(): NodeId
  /** The other nodes that are up. */
  others(): readonly NodeRow[]
  /** Whether nobody can have taken this node out: a node that is not sure decides nothing. */
  isSure(): boolean
  /** Whether every job this node owns was taken up, and it left none without an owner when it looked last. */
  isSettled(): boolean
  /** Enters, and takes up what nobody owns. Rejects `unavailable` where another node does not go with this one. */
  start(): Promise<void>
  /** When it last read which nodes are up (`elapsed`). */
  lookedAt(): number
  /** Looks now rather than at the next beat. */
  look(): void
  /** Leaves, so that others take over at once. */
  stop(): Promise<void>
}

/** Beats of a node that is dead to others after `timeoutMs`. */
const beatsPerTimeout = 3
const claimedAtOnce = 16

/** What was seen of another node. */
interface Seen {
  readonly beat: number
  readonly since: number
}

const apart = (message: string, facts: Readonly<Record<string, unknown>>): MusterError =>
  new MusterError({ code: 'unavailable', fault: 'machine', retry: 'never', message, facts })

/** Why this node and another cannot be one market. */
const misfit = (options: MembershipOptions, { name, url, market, blobs }: NodeRow): MusterError | undefined => {
  if (market !== options.market)
    return apart(
      `Node ${name} on this database has another key: start all nodes of a market with the same market.key.`,
      {
        expected: market,
        found: options.market,
      },
    )
  if (options.url === null)
    return apart(
      `Node ${name} works on this database already. Several nodes of one market need NATS between them: start each with --nats-url (docs/guides/several-nodes.md).`,
      { node: name },
    )
  if (url === null)
    return apart(
      `Node ${name} works alone on this database, without NATS: stop it, and start it again with --nats-url.`,
      { node: name },
    )
  if (blobs !== options.blobs)
    return apart(
      `Node ${name} keeps its blobs elsewhere: give all nodes of a market one data directory (docs/guides/several-nodes.md).`,
      { node: name },
    )
  return undefined
}

export const createMembership = (options: MembershipOptions, modules: MembershipModules): Membership => {
  const { world, log, load, takeUp, letGo, onNodes, onFacts, onLooked, onTakenOut, tellOthers } = modules
  const { nodes } = modules.store
  const beatMs = options.timeoutMs / beatsPerTimeout
  const newId = (): NodeId => `node_${toHex(world.random(8)).slice(2)}`
  let id = newId()
  let phase: 'new' | 'up' | 'displaced' | 'stopped' = 'new'
  let others: readonly NodeRow[] = []
  const seen = new Map<NodeId, Seen>()
  let lookedAt = -Infinity
  let sureUntil = -Infinity
  let timer: Timer | undefined
  let looking: Promise<void> | undefined
  let isDue = false
  const untaken = new Set<JobId>()
  let areAllOwned = false

  const { timeoutMs, ...description } = options

  const enter = async (): Promise<void> => {
    await nodes.enter({ ...description, id, startedAt: world.now(), ...load() })
  }

  /** Time in which this node could not look counts for nobody. */
  const observe = async (rows: readonly NodeRow[]): Promise<readonly NodeRow[]> => {
    const now = world.elapsed()
    if (now - lookedAt > timeoutMs / 2) seen.clear()
    lookedAt = now
    const alive: NodeRow[] = []
    for (const row of rows) {
      const known = seen.get(row.id)
      if (known?.beat !== row.beat) seen.set(row.id, { beat: row.beat, since: now })
      else if (now - known.since >= timeoutMs && (await nodes.remove(row.id, row.beat))) {
        log.warn('a node stands still; its jobs go to the others', { node: row.name, id: row.id })
        seen.delete(row.id)
        onTakenOut(row)
        tellOthers()
        continue
      }
      alive.push(row)
    }
    for (const known of seen.keys()) if (!rows.some((row) => row.id === known)) seen.delete(known)
    return alive
  }

  const note = (rows: readonly NodeRow[]): void => {
    const isSame = rows.length === others.length && rows.every((row, at) => row.id === others[at]?.id)
    others = rows
    if (isSame) return
    areAllOwned = false
    onNodes(rows)
  }

  const claim = async (): Promise<void> => {
    for (let isMore = true; isMore && phase === 'up';) {
      const claimed = await nodes.claim(id, claimedAtOnce)
      isMore = claimed.length === claimedAtOnce
      for (const job of claimed) untaken.add(job)
      await Promise.all(
        [...untaken].map(async (job) => {
          try {
            await takeUp(job)
            untaken.delete(job)
          } catch (error) {
            log.warn('could not take up a job; trying again', { job, error })
          }
        }),
      )
      if (claimed.length > 0) log.info('took up jobs that nobody wrote', { jobs: claimed.length })
    }
    areAllOwned = true
  }

  /** Others took this node out, or a later process took its name. */
  const comeBack = async (): Promise<void> => {
    letGo()
    untaken.clear()
    areAllOwned = false
    sureUntil = -Infinity
    const namesake = (await nodes.list()).find(({ name }) => name === options.name)
    if (namesake !== undefined) {
      phase = 'displaced'
      log.error('another process runs under the name of this node; this one decides nothing any more', {
        node: options.name,
        by: namesake.id,
      })
      return
    }
    log.warn('this node was taken out by the others; it comes back without its jobs', { node: options.name, id })
    id = newId()
    await enter()
  }

  const lookOnce = async (): Promise<void> => {
    const startedAt = world.elapsed()
    if (!(await nodes.beat(id, load()))) {
      await comeBack()
      if (phase !== 'up') return
    }
    sureUntil = startedAt + timeoutMs
    const rows = await nodes.list()
    note(await observe(rows.filter((row) => row.id !== id)))
    onLooked()
    const askedAt = world.elapsed()
    onFacts(await nodes.facts(), askedAt)
    await claim()
  }

  const schedule = (): void => {
    timer?.cancel()
    if (phase === 'up') timer = world.after(beatMs, look)
  }

  const look = (): void => {
    if (phase !== 'up') return
    if (looking !== undefined) {
      isDue = true
      return
    }
    looking = lookOnce()
      .catch((error: unknown) => log.warn('could not look at the nodes of this market', { error }))
      .finally(() => {
        looking = undefined
        schedule()
        if (!isDue) return
        isDue = false
        look()
      })
  }

  const wait = (ms: number): Promise<void> => new Promise((resolve) => void world.after(ms, resolve))

  const strangers = async (): Promise<readonly NodeRow[]> =>
    (await nodes.list()).filter(({ name }) => name !== options.name)

  /** Nodes that do not go with this one stand in its way while they are up; the rows of those that are gone do not. */
  const requireFittingOthers = async (): Promise<void> => {
    const unfit = new Map<NodeId, NodeRow>()
    for (const row of await strangers()) if (misfit(options, row) !== undefined) unfit.set(row.id, row)
    if (unfit.size === 0) return
    log.info('looks whether other nodes are up', { nodes: [...unfit.values()].map(({ name }) => name) })
    for (let waited = 0; waited < timeoutMs; waited += beatMs) {
      await wait(beatMs)
      for (const row of await strangers()) {
        const refusal = misfit(options, row)
        if (refusal !== undefined && unfit.get(row.id)?.beat !== row.beat) throw refusal
      }
    }
    for (const { id: gone, beat } of unfit.values()) await nodes.remove(gone, beat)
  }

  return {
    id: () => id,
    others: () => others,
    isSure: () => phase === 'up' && world.elapsed() < sureUntil,
    lookedAt: () => lookedAt,
    isSettled: () => phase === 'up' && areAllOwned && untaken.size === 0,
    start: async () => {
      await requireFittingOthers()
      // A drain is of the market, and ends with its last node.
      if ((await strangers()).length === 0) await nodes.setFact('drain', undefined)
      await enter()
      if (phase !== 'new') return
      phase = 'up'
      await lookOnce()
      tellOthers()
      schedule()
    },
    look,
    stop: async () => {
      if (phase === 'stopped') return
      const wasUp = phase === 'up'
      phase = 'stopped'
      timer?.cancel()
      await looking
      if (!wasUp) return
      await nodes.remove(id).catch((error: unknown) => log.warn('could not sign off', { error }))
      tellOthers()
    },
  }
}
