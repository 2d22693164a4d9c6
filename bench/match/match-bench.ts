import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  decodeCanonical,
  encodeCanonical,
  signedOfferSchema,
  systemWorld,
  type Offer,
  type World,
} from '@muster/protocol'
import { describeMachine, median, percentile, type BenchResult } from '../bench-result.ts'
import type { Award, Book } from './book.ts'
import { makeSteps, type Step } from './make-steps.ts'
import { benchNow, makeProviders, type ListedProvider } from './mix.ts'
import { createMusterBook } from './muster-book.ts'
import { createDraws } from './seeded.ts'
import { createSqliteBook } from './sqlite-book.ts'

const world: World = { ...systemWorld, now: () => benchNow }
const orders = 20_000
const rounds = 5
const warmUpOffers = 5_000
const warmUpOrders = 4_000
/** The rival is asked this many of the 20,000 at 1,000,000 offers: it would take minutes for all. */
const rivalOrders = { 100_000: orders, 1_000_000: 2_500 } as const

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const heapBytes = (): number => {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

interface Round {
  readonly ordersPerSecond: number
  /** Of processor time, which is the same on a machine that is busy with other work. */
  readonly ordersPerCpuSecond: number
  readonly latenciesUs: readonly number[]
  readonly answers: readonly (readonly Award[])[]
}

const play = (book: Book, steps: readonly Step[]): Round => {
  const latenciesUs: number[] = []
  const answers: Award[][] = []
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  for (const step of steps) {
    if (step.type === 'publish') {
      book.publish(step.provider)
      continue
    }
    const askedAt = performance.now()
    answers.push(book.order(step.demand))
    latenciesUs.push((performance.now() - askedAt) * 1_000)
  }
  const wallMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    ordersPerSecond: (answers.length / wallMs) * 1e3,
    ordersPerCpuSecond: (answers.length / (user + system)) * 1e6,
    latenciesUs,
    answers,
  }
}

const requireSame = (ours: Round, theirs: Round): void => {
  theirs.answers.forEach((answer, index) => {
    const expected = JSON.stringify(answer)
    const found = JSON.stringify(ours.answers[index])
    if (expected !== found) throw new Error(`order ${index} of a round: SQLite awards ${expected}, Muster ${found}`)
  })
}

const split = <Item>(items: readonly Item[], parts: number): Item[][] =>
  Array.from({ length: parts }, (_, part) =>
    items.slice(Math.floor((items.length * part) / parts), Math.floor((items.length * (part + 1)) / parts)),
  )

/** Heap of an offer as it comes off the wire, parsed. */
const wireBytes = (offers: readonly Offer[]): number => {
  const encoded = offers.map((record) => encodeCanonical({ record, signature: `0x${'5'.repeat(130)}` }))
  const before = heapBytes()
  const parsed = encoded.map((bytes) => signedOfferSchema.parse(decodeCanonical(bytes)))
  return (heapBytes() - before) / parsed.length
}

interface Measured {
  readonly ordersPerSecond: number
  readonly usPerOrder: number
  readonly p50Us: number
  readonly p99Us: number
  readonly worstUs: number
  readonly bytesPerOffer: number
  readonly loadSeconds: number
  readonly filledShare: number
  readonly sqliteOrdersPerSecond: number
  readonly sqliteP50Us: number
  readonly sqliteP99Us: number
  readonly sqliteBytesPerOffer: number
  readonly vsSqlite: number
  readonly cpuUsPerOrder: number
  readonly cpuVsSqlite: number
}

const loadMuster = (providers: readonly ListedProvider[]) => {
  const before = heapBytes()
  const startedAt = performance.now()
  const book = createMusterBook(world)
  for (const provider of providers) book.publish(provider)
  const loadSeconds = (performance.now() - startedAt) / 1_000
  return { book, loadSeconds, bytes: heapBytes() - before }
}

/** Both books in turns, the same rounds; the rival sits out those that are too many for it. */
const measure = (offers: number, rivalTakes: number): Measured => {
  const draws = createDraws(offers)
  const providers = makeProviders(draws, offers)
  const rivalRounds = split(makeSteps(draws, providers, offers, rivalTakes), rounds)
  const alone = rivalTakes < orders ? split(makeSteps(draws, providers, offers, orders - rivalTakes), rounds) : []
  const { book, loadSeconds, bytes } = loadMuster(providers)
  const rival = createSqliteBook(benchNow)
  rival.load(providers)
  const ours: Round[] = []
  const theirs: Round[] = []
  for (const steps of rivalRounds) {
    const our = play(book, steps)
    const their = play(rival, steps)
    requireSame(our, their)
    ours.push(our)
    theirs.push(their)
  }
  for (const steps of alone) ours.push(play(book, steps))
  const counted = alone.length > 0 ? ours.slice(rounds) : ours
  const latencies = ours.flatMap(({ latenciesUs }) => latenciesUs)
  const rivalLatencies = theirs.flatMap(({ latenciesUs }) => latenciesUs)
  const answers = ours.flatMap((round) => round.answers)
  const sqliteBytes = rival.bytes()
  rival.close()
  return {
    ordersPerSecond: median(counted.map(({ ordersPerSecond }) => ordersPerSecond)),
    usPerOrder: 1e6 / median(counted.map(({ ordersPerSecond }) => ordersPerSecond)),
    p50Us: median(latencies),
    p99Us: percentile(latencies, 0.99),
    worstUs: Math.max(...latencies),
    bytesPerOffer: bytes / offers,
    loadSeconds,
    filledShare: answers.filter(({ length }) => length > 0).length / answers.length,
    sqliteOrdersPerSecond: median(theirs.map(({ ordersPerSecond }) => ordersPerSecond)),
    sqliteP50Us: median(rivalLatencies),
    sqliteP99Us: percentile(rivalLatencies, 0.99),
    sqliteBytesPerOffer: sqliteBytes / offers,
    vsSqlite: median(
      ours.slice(0, rounds).map((our, index) => our.ordersPerSecond / (theirs[index]?.ordersPerSecond ?? 0)),
    ),
    cpuUsPerOrder: 1e6 / median(counted.map(({ ordersPerCpuSecond }) => ordersPerCpuSecond)),
    cpuVsSqlite: median(
      ours.slice(0, rounds).map((our, index) => our.ordersPerCpuSecond / (theirs[index]?.ordersPerCpuSecond ?? 0)),
    ),
  }
}

const warmUp = (): void => {
  const draws = createDraws(1)
  const providers = makeProviders(draws, warmUpOffers)
  const steps = makeSteps(draws, providers, warmUpOffers, warmUpOrders)
  const rival = createSqliteBook(benchNow)
  rival.load(providers)
  const { book } = loadMuster(providers)
  requireSame(play(book, steps), play(rival, steps))
  rival.close()
}

/** Orders against 100,000 and 1,000,000 offers that are used up and change all the time, beside SQLite in memory. */
export const runMatchBench = async (): Promise<BenchResult> => {
  warmUp()
  const wire = wireBytes(makeProviders(createDraws(2), 20_000).flatMap((listed) => listed.offers))
  const small = measure(100_000, rivalOrders[100_000])
  const large = measure(1_000_000, rivalOrders[1_000_000])
  return {
    bench: 'match',
    machine: describeMachine(),
    figures: {
      ordersPerSecond: small.ordersPerSecond,
      cpuUsPerOrder: small.cpuUsPerOrder,
      orderP50Us: small.p50Us,
      orderP99Us: small.p99Us,
      orderWorstUs: small.worstUs,
      ordersPerSecondOfMillion: large.ordersPerSecond,
      cpuUsPerOrderOfMillion: large.cpuUsPerOrder,
      orderP50UsOfMillion: large.p50Us,
      orderP99UsOfMillion: large.p99Us,
      orderWorstUsOfMillion: large.worstUs,
      sqliteOrdersPerSecond: small.sqliteOrdersPerSecond,
      sqliteOrdersPerSecondOfMillion: large.sqliteOrdersPerSecond,
      bytesPerOffer: large.bytesPerOffer,
      bytesPerOfferFromWire: wire,
      loadSecondsOfMillion: large.loadSeconds,
    },
    ratios: {
      ordersPerSecondVsSqlite: small.vsSqlite,
      ordersPerSecondVsSqliteOfMillion: large.vsSqlite,
      ordersPerCpuSecondVsSqlite: small.cpuVsSqlite,
      ordersPerCpuSecondVsSqliteOfMillion: large.cpuVsSqlite,
      costGrowth10x: large.usPerOrder / small.usPerOrder,
      cpuGrowth10x: large.cpuUsPerOrder / small.cpuUsPerOrder,
    },
    detail: { small, large, orders, rivalOrders },
  }
}
