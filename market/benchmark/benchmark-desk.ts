import { execSpecDigest } from '@muster/graph'
import {
  machineStanding,
  type Address,
  type AgentPeer,
  type BenchmarkEntry,
  type Cid,
  type LeaseObservation,
  type Log,
  type MachineStanding,
  type Offer,
  type Timer,
} from '@muster/protocol'
import type { MarketOptions } from '../options.ts'
import type { Store } from '../store/store.ts'
import { askMachine, type AskMachineModules, type AskMachineOptions } from './ask-machine.ts'
import { createLending } from './lending.ts'
import { outcomeOf } from './outcome-of.ts'

/** Has the machines of linked agents shown at enrolment and at random after that, and knows what follows. */
export interface BenchmarkDesk {
  /** What an agent offers now. */
  offered(peer: AgentPeer, offers: readonly Offer[]): void
  unlinked(peer: AgentPeer): void
  /** Of a provider that is linked here and was measured. */
  standingOf(provider: Address): MachineStanding | undefined
  /** Of those of these providers that were measured, at whichever node they are linked. */
  standingsOf(providers: readonly Address[]): Promise<ReadonlyMap<Address, MachineStanding>>
  /** Newest first. */
  read(provider: Address): Promise<readonly BenchmarkEntry[]>
  /** The bytes of a challenge under way that the agent may fetch. */
  blobFor(peer: AgentPeer, cid: Cid): AsyncIterable<Uint8Array> | undefined
  prune(): Promise<void>
}

export interface BenchmarkDeskOptions extends AskMachineOptions {
  /** Mean time between benchmarks of a machine; 0 for none at all. */
  readonly everyMs: number
}

/** What the options of a market say of benchmarks. */
export const benchmarkOptions = (options: MarketOptions): BenchmarkDeskOptions => ({
  everyMs: options.benchmarkHours * 3_600_000,
  timeoutMs: options.benchmarkTimeoutMs,
  networkBytes: options.benchmarkNetworkBytes,
  work: {
    part: 'compute',
    width: options.benchmarkWidth,
    layers: options.benchmarkLayers,
    columns: options.benchmarkColumns,
  },
})

export interface BenchmarkDeskModules extends Omit<AskMachineModules, 'lend'> {
  readonly store: Pick<Store, 'benchmarks'>
  /** What a machine was measured at counts as one more observation of its speed. */
  readonly observe: (seen: LeaseObservation) => void
  readonly log: Log
}

/** A machine that is linked here. */
interface Machine {
  readonly peer: AgentPeer
  soldGflops: number | null
  /** Newest first; `undefined` until they are read. */
  entries: readonly BenchmarkEntry[] | undefined
  standing: MachineStanding | undefined
  timer: Timer | undefined
  /** Times in a row that it had no idle slot. */
  busy: number
}

/** Observations of speed by benchmarks are compared among themselves, as those of any program are. */
export const benchmarkProgram = 'benchmark'
/** Work that the time in such an observation is of. */
const observedFlops = 1e10

const atOnce = 2
const keptEntries = 20
const forgetAfterMs = 400 * 86_400_000
/** After linking: agents that link together are not asked together. */
const enrolAfterMs = 1_000
const enrolWithinMs = 4_000
/** A low result is looked at again soon: machines are shared, and one look may deceive. */
const againAfterMs = 300_000
const againWithinMs = 600_000
const firstBusyMs = 10_000
const mostBusyMs = 3_600_000
const mostBusy = 12

const nothingSeen = {
  honoured: 0,
  refused: 0,
  exposureMs: 0,
  outages: 0,
  succeeded: 0,
  failed: 0,
  matched: 0,
  mismatched: 0,
  startMs: null,
} as const

export const createBenchmarkDesk = (options: BenchmarkDeskOptions, modules: BenchmarkDeskModules): BenchmarkDesk => {
  const { world, store, observe, log } = modules
  const machines = new Map<Address, Machine>()
  const waiting: Machine[] = []
  const lending = createLending()
  let running = 0

  const isLinked = (machine: Machine): boolean => machines.get(machine.peer.provider) === machine

  /** Uniform in [0, 1). */
  const chance = (): number => {
    const bytes = world.random(4)
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32
  }

  const due = (machine: Machine, afterMs: number): void => {
    machine.timer?.cancel()
    machine.timer = world.after(afterMs, () => {
      machine.timer = undefined
      if (!isLinked(machine)) return
      waiting.push(machine)
      pump()
    })
  }

  /** Times between benchmarks are exponential: whenever it was looked at last, nobody can tell when it will be. */
  const dueSomeDay = (machine: Machine): void =>
    due(machine, Math.min(5 * options.everyMs, Math.max(60_000, -Math.log1p(-chance()) * options.everyMs)))

  const dueSoon = (machine: Machine): void => due(machine, enrolAfterMs + chance() * enrolWithinMs)

  const take = (machine: Machine, entries: readonly BenchmarkEntry[]): void => {
    machine.entries = entries.slice(0, keptEntries)
    machine.standing = machineStanding(machine.entries)
  }

  const pump = (): void => {
    while (running < atOnce) {
      const machine = waiting.shift()
      if (machine === undefined) return
      if (!isLinked(machine)) continue
      running++
      void look(machine).finally(() => {
        running--
        pump()
      })
    }
  }

  const look = async (machine: Machine): Promise<void> => {
    const { provider } = machine.peer
    try {
      const entry = await measure(machine)
      if (entry === undefined) return
      await store.benchmarks.add(entry)
      if (isLinked(machine)) take(machine, [entry, ...(machine.entries ?? [])])
      note(machine, entry)
    } catch (error) {
      log.warn('could not keep a benchmark; trying again', { provider, error })
      if (isLinked(machine)) dueSoon(machine)
    }
  }

  /** `undefined` where it is to be tried again. */
  const measure = async (machine: Machine): Promise<BenchmarkEntry | undefined> => {
    const { peer, soldGflops } = machine
    const answers: BenchmarkEntry['answers'] = []
    const entryOf = (rest: Pick<BenchmarkEntry, 'outcome' | 'reason' | 'figures'>): BenchmarkEntry => {
      const at = world.now()
      return {
        id: `${peer.provider}.${at}.${peer.epoch}`,
        provider: peer.provider,
        at,
        soldGflops,
        execSpec: execSpecDigest,
        answers,
        ...rest,
      }
    }
    try {
      const figures = await askMachine(peer, answers, options, { ...modules, lend: lending.lend })
      machine.busy = 0
      return entryOf({ outcome: 'measured', reason: '', figures })
    } catch (error) {
      if (!isLinked(machine)) return undefined
      const { outcome, reason } = outcomeOf(error)
      if (outcome === 'busy' && ++machine.busy < mostBusy) {
        log.debug('a machine has no time for a benchmark', { provider: peer.provider, error })
        due(machine, Math.min(mostBusyMs, firstBusyMs * 2 ** (machine.busy - 1)) * (0.5 + chance()))
        return undefined
      }
      machine.busy = 0
      log.info('a machine did not show what it does', { provider: peer.provider, outcome, error })
      const said = outcome === 'busy' ? `It had no idle slot ${mostBusy} times in a row. ${reason}` : reason
      return entryOf({
        outcome: outcome === 'busy' ? 'refused' : outcome,
        reason: said.slice(0, 500),
        figures: null,
      })
    }
  }

  const note = (machine: Machine, { id, at, provider, figures }: BenchmarkEntry): void => {
    const { standing } = machine
    if (figures !== null) {
      const durationMs = Math.max(0.01, observedFlops / (figures.gflops * 1e6))
      observe({ ...nothingSeen, id: `benchmark.${id}`, provider, at, program: benchmarkProgram, durationMs })
      log.info('a machine was measured', { provider, gflops: figures.gflops, mismatches: figures.mismatches })
    }
    if (!isLinked(machine)) return
    if (standing?.isBelowSold === true)
      log.warn('a machine is slower than it was sold', { provider, sold: standing.soldGflops, found: figures?.gflops })
    if (figures !== null && standing?.isLow === true && !standing.isBelowSold)
      return due(machine, againAfterMs + chance() * againWithinMs)
    dueSomeDay(machine)
  }

  /** Whoever links again and again is waited for once. */
  const drop = (machine: Machine): void => {
    machine.timer?.cancel()
    const at = waiting.indexOf(machine)
    if (at >= 0) waiting.splice(at, 1)
  }

  const enrol = async (machine: Machine): Promise<void> => {
    const { provider } = machine.peer
    try {
      const known = (await store.benchmarks.newestOf([provider], keptEntries)).get(provider) ?? []
      if (!isLinked(machine)) return
      take(machine, known)
    } catch (error) {
      log.info('could not read the benchmarks of a machine', { provider, error })
    }
    if (options.everyMs <= 0 || !isLinked(machine)) return
    if (machine.entries?.[0]?.execSpec === execSpecDigest) dueSomeDay(machine)
    else dueSoon(machine)
  }

  return {
    offered: (peer, offers) => {
      const graph = offers.filter(({ runtimes, execSpec }) => runtimes.includes('graph') && execSpec === execSpecDigest)
      const stated = graph.flatMap(({ gflops }) => gflops ?? [])
      const soldGflops = stated.length === 0 ? null : Math.max(...stated)
      const known = machines.get(peer.provider)
      if (known?.peer === peer) {
        known.soldGflops = soldGflops
        return
      }
      if (graph.length === 0) return
      if (known !== undefined) drop(known)
      const machine: Machine = {
        peer,
        soldGflops,
        entries: undefined,
        standing: known?.standing,
        timer: undefined,
        busy: 0,
      }
      machines.set(peer.provider, machine)
      void enrol(machine)
    },
    unlinked: (peer) => {
      const machine = machines.get(peer.provider)
      if (machine?.peer !== peer) return
      drop(machine)
      machines.delete(peer.provider)
    },
    standingOf: (provider) => machines.get(provider)?.standing,
    standingsOf: async (providers) => {
      const elsewhere = providers.filter((provider) => !machines.has(provider))
      const entries = elsewhere.length === 0 ? undefined : await store.benchmarks.newestOf(elsewhere, keptEntries)
      return new Map(
        providers.flatMap((provider) => {
          const standing = machines.get(provider)?.standing ?? machineStanding(entries?.get(provider) ?? [])
          return standing === undefined ? [] : [[provider, standing] as const]
        }),
      )
    },
    read: async (provider) => (await store.benchmarks.newestOf([provider], keptEntries)).get(provider) ?? [],
    blobFor: lending.find,
    prune: async () => {
      await store.benchmarks.prune(world.now() - forgetAfterMs)
    },
  }
}
