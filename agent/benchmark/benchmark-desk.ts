import {
  chainOf,
  cidOf,
  digestOf,
  freeCapacity,
  maxClockSkewMs,
  MusterError,
  networkProof,
  signRecord,
  slotsThatFit,
  type Address,
  type BenchmarkChallenge,
  type BenchmarkFindings,
  type Cid,
  type LinkRequest,
  type SignedBenchmarkResult,
  type Timer,
} from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'
import type { Bench } from './bench.ts'
import { createVectorWatch } from './vector-watch.ts'

/** Shows markets what the machine does, in slots that nobody has: as soon as one is wanted, the benchmark is given up. */
export interface BenchmarkDesk {
  /**
   * Throws `forbidden` where the owner allows no benchmarks, `capacity_taken` where there is no idle slot or it was wanted meanwhile,
   * `rate_limited` where markets asked for too much of it, `request_invalid`, `record_expired`, `signature_invalid`.
   */
  answer(market: Address, request: LinkRequest<'benchmark'>): Promise<SignedBenchmarkResult>
  /** Runs the reproducibility vector once the agent has started, if a slot is idle then. */
  introduce(): void
  /** Slots were taken or the owner came back: gives up what is under way where no slot is idle. */
  makeRoom(): void
  /** Bytes that this market's last challenges were about. */
  find(market: Address, cid: Cid): Uint8Array | undefined
}

type DeskContext = Pick<
  AgentContext,
  'options' | 'world' | 'signer' | 'verifier' | 'book' | 'wants' | 'workloads' | 'log' | 'signal'
>

/** Of one slot's time, for all markets together: two minutes in an hour. */
const budgetMs = 120_000
const budgetEveryMs = 3_600_000
/** A minute of a slow core. */
const mostFlops = 60e9
/** How long a market may fetch what it asked for. */
const heldMs = 60_000
const mostHeld = 4

const refused = (code: 'forbidden' | 'capacity_taken' | 'rate_limited' | 'request_invalid', message: string) =>
  new MusterError({ code, message, ...(code === 'forbidden' ? { fault: 'provider', retry: 'never' } : {}) })

const busy = (): MusterError => refused('capacity_taken', 'No slot of this machine is idle; ask again later.')

export const createBenchmarkDesk = (context: DeskContext, bench: Bench | undefined): BenchmarkDesk => {
  const { options, world, signer, verifier, book, wants, workloads, log } = context
  const vector = bench === undefined ? undefined : createVectorWatch(bench, log)
  const held = new Map<string, { readonly bytes: Uint8Array; readonly timer: Timer }>()
  const spent: { readonly at: number; readonly ms: number }[] = []
  let current: AbortController | undefined
  let introduced: Promise<void> = Promise.resolve()

  const isIdle = (): boolean => {
    let sold = 0
    for (const { signed } of book.reservations.values()) sold += signed.record.slots
    const fits = slotsThatFit(freeCapacity(book.capacity, world.now()), options.slot)
    return book.door === null && sold < options.maxSlots && fits >= 1
  }

  /** One at a time, and only while a slot is idle. */
  const whileIdle = async <Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> => {
    if (current !== undefined || !isIdle() || context.signal.aborted) throw busy()
    const abort = new AbortController()
    current = abort
    const startedAt = world.elapsed()
    const onStop = () => abort.abort(busy())
    context.signal.addEventListener('abort', onStop, { once: true })
    try {
      const result = await work(abort.signal)
      if (abort.signal.aborted) throw busy()
      return result
    } catch (error) {
      throw abort.signal.aborted ? busy() : error
    } finally {
      context.signal.removeEventListener('abort', onStop)
      spent.push({ at: startedAt, ms: world.elapsed() - startedAt })
      current = undefined
    }
  }

  const requireBudget = (): void => {
    const since = world.elapsed() - budgetEveryMs
    while (spent[0] !== undefined && spent[0].at < since) spent.shift()
    if (spent.reduce((sum, { ms }) => sum + ms, 0) >= budgetMs)
      throw refused('rate_limited', 'Benchmarks had their share of this machine’s time; ask again in an hour.')
  }

  const requireOurs = (market: Address, { challenge }: LinkRequest<'benchmark'>): BenchmarkChallenge => {
    const { record } = challenge
    if (record.market !== market || record.provider !== signer.address)
      throw refused('request_invalid', 'This challenge is for another machine or from another market.')
    if (record.expiresAt + maxClockSkewMs <= world.now())
      throw new MusterError({ code: 'record_expired', message: 'This challenge has expired.', fault: 'market' })
    if (record.work.part === 'compute' && chainOf(record.seed, record.work).flops > mostFlops)
      throw refused('request_invalid', 'This challenge asks for more than a benchmark may.')
    verifier.requireSigner(domainOf(context, market), challenge, market)
    return record
  }

  const hold = (market: Address, cid: Cid, bytes: Uint8Array): void => {
    const key = `${market} ${cid}`
    const forget = (name: string): void => {
      held.get(name)?.timer.cancel()
      held.delete(name)
    }
    forget(key)
    for (const oldest of [...held.keys()].slice(0, Math.max(0, held.size + 1 - mostHeld))) forget(oldest)
    held.set(key, { bytes, timer: world.after(heldMs, () => held.delete(key)) })
  }

  const find = async (
    market: Address,
    { seed, work }: BenchmarkChallenge,
    own: Bench,
    signal: AbortSignal,
  ): Promise<BenchmarkFindings> => {
    switch (work.part) {
      case 'machine': {
        const digests = (await vector?.digests(signal)) ?? []
        const memory = await own.memory(signal)
        const disk = await own.disk(signal)
        return { part: 'machine', vector: [...digests], memory, disk, gpus: [...(await own.gpus())] }
      }
      case 'network': {
        const bytes = await wants.fetch(market, work.blob, signal)
        hold(market, work.blob, bytes)
        return { part: 'network', proof: networkProof(seed, bytes) }
      }
      case 'compute': {
        const { output, prepareUs, runUs } = await own.compute(seed, work, signal)
        const cid = cidOf(output)
        hold(market, cid, output)
        return { part: 'compute', output: cid, prepareUs, runUs }
      }
    }
  }

  return {
    answer: async (market, request) => {
      if (bench === undefined) throw refused('forbidden', 'The owner of this machine allows no benchmarks.')
      const challenge = requireOurs(market, request)
      requireBudget()
      await introduced
      const found = await whileIdle((signal) => find(market, challenge, bench, signal))
      return signRecord(signer, domainOf(context, market), {
        kind: 'benchmark-result' as const,
        market,
        provider: signer.address,
        challenge: digestOf(challenge),
        execSpec: workloads.get('graph')?.execSpec ?? '',
        found,
        at: world.now(),
      })
    },
    introduce: () => {
      if (vector === undefined) return
      introduced = whileIdle((signal) => vector.digests(signal)).then(
        () => {},
        (error: unknown) => log.info('the reproducibility of this machine is looked at later', { error }),
      )
    },
    makeRoom: () => {
      if (current !== undefined && !isIdle()) current.abort(busy())
    },
    find: (market, cid) => held.get(`${market} ${cid}`)?.bytes,
  }
}
