import { execSpecDigest } from '@muster/graph'
import fc from 'fast-check'
import {
  cidOf,
  benchmarkEntrySchema,
  benchmarkFindingsSchema,
  createSigner,
  createVerifier,
  linkClosed,
  loadSecp256k1,
  MusterError,
  signRecord,
  silentLog,
  sleep,
  type BenchmarkEntry,
  type LeaseObservation,
  type Offer,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { outputsOf } from '@muster/protocol/arbitrary'
import { testProvider } from '../supply/test-offer.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createMemoryStore } from '../store/memory/create-memory-store.ts'
import { createBenchmarkDesk, type BenchmarkDesk, type BenchmarkDeskOptions } from './benchmark-desk.ts'
import { createStageMachine, type MachineScript, type StageMachine } from './stage-machine.ts'

const secp256k1 = await loadSecp256k1()
const signerOf = (byte: number) => createSigner(secp256k1, new Uint8Array(32).fill(byte))
const dayMs = 86_400_000

const must = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new Error('it is there')
  return value
}

const setDesk = (options: Partial<BenchmarkDeskOptions> = {}) => {
  const world = createVirtualWorld()
  const signer = signerOf(1)
  const domain = { chainId: 1, market: signer.address }
  const store = createMemoryStore()
  const seen: LeaseObservation[] = []
  let desk: BenchmarkDesk
  const open = (): BenchmarkDesk => {
    desk = createBenchmarkDesk(
      {
        everyMs: dayMs,
        timeoutMs: 60_000,
        networkBytes: 100_000,
        work: { part: 'compute', width: 32, layers: 3, columns: 20 },
        ...options,
      },
      {
        world,
        signer,
        domain,
        verifier: createVerifier(secp256k1),
        store,
        observe: (each) => void seen.push(each),
        log: silentLog,
      },
    )
    return desk
  }
  open()
  const machine = (script: MachineScript = {}, key = 2): StageMachine => {
    const made = createStageMachine({
      world,
      signer: signerOf(key),
      domain,
      blobFor: (peer, cid) => desk.blobFor(peer, cid),
    })
    made.script = script
    return made
  }
  const offer = (gflops?: number): Offer =>
    ({ runtimes: ['graph'], execSpec: execSpecDigest, ...(gflops === undefined ? {} : { gflops }) }) as unknown as Offer
  const link = ({ peer }: StageMachine, gflops?: number): void => desk.offered(peer, [offer(gflops)])
  const entriesOf = ({ peer }: StageMachine) => desk.read(peer.provider)
  const standingOf = ({ peer }: StageMachine) => desk.standingOf(peer.provider)
  const until = async (of: StageMachine, count: number, limitMs = 30 * dayMs): Promise<readonly BenchmarkEntry[]> => {
    await world.until(async () => (await entriesOf(of)).length >= count, limitMs)
    return entriesOf(of)
  }
  return { world, seen, desk: () => desk, open, machine, link, offer, entriesOf, standingOf, until, signer, domain }
}

const shown = async (script: MachineScript): Promise<BenchmarkEntry | undefined> => {
  const set = setDesk()
  const machine = set.machine(script)
  set.link(machine)
  return (await set.until(machine, 1))[0]
}

describe('a machine that links for the first time', () => {
  test('is asked within seconds, part by part, each with a seed of its own, and measured by the clock of the market', async () => {
    const set = setDesk()
    const machine = set.machine()
    set.link(machine, 9)
    const [entry] = await set.until(machine, 1, 10_000)
    expect(machine.asked.map(({ challenge }) => challenge.record.work.part)).toEqual(['machine', 'network', 'compute'])
    expect(new Set(machine.asked.map(({ challenge }) => challenge.record.seed)).size).toBe(3)
    expect(entry).toMatchObject({ outcome: 'measured', reason: '', soldGflops: 9, execSpec: execSpecDigest })
    expect(entry?.answers.map(({ result }) => result)).toEqual(machine.answered)
    const { figures } = entry ?? {}
    expect(figures?.gflops).toBeCloseTo(10, 3)
    expect(figures?.claimedGflops).toBeGreaterThan(10)
    expect(figures?.downMbps).toBeCloseTo(40, 3)
    expect(figures?.upMbps).toBeCloseTo(40, 3)
    expect(figures?.memoryMBps).toBe(10_000)
    expect(figures?.diskWriteMBps).toBe(1_000)
    expect(figures?.mismatches).toEqual([])
    const standing = set.standingOf(machine)
    expect(standing).toMatchObject({ reproduces: true, soldGflops: 9, isBelowSold: false })
    const { provider } = machine.peer
    const known = new Map([[provider, standing]])
    expect(await set.desk().standingsOf([provider, testProvider(9)])).toEqual(known)
    const elsewhere = set.open()
    expect(elsewhere.standingOf(provider)).toBeUndefined()
    expect(await elsewhere.standingsOf([provider, testProvider(9)])).toEqual(known)
    expect(set.seen).toMatchObject([{ program: 'benchmark', honoured: 0, exposureMs: 0 }])
  })

  test('is not asked where it sells no programs, or the market measures nobody', async () => {
    const set = setDesk()
    const machine = set.machine()
    set.desk().offered(machine.peer, [{ ...set.offer(), runtimes: ['noop'] }])
    const off = setDesk({ everyMs: 0 })
    const other = off.machine()
    off.link(other)
    await set.world.advance(2 * dayMs)
    await off.world.advance(2 * dayMs)
    expect([machine.asked, other.asked]).toEqual([[], []])
  })

  test('is asked again at random, about as often as was said, and not because it linked again', async () => {
    const set = setDesk()
    const machine = set.machine()
    set.link(machine)
    await set.until(machine, 1)
    for (let times = 0; times < 20; times++) {
      set.desk().unlinked(machine.peer)
      set.link(machine)
      await set.world.advance(60_000)
    }
    expect(await set.entriesOf(machine)).toHaveLength(1)
    await set.world.advance(12 * dayMs)
    const entries = await set.entriesOf(machine)
    expect(entries.length).toBeGreaterThan(5)
    expect(entries.length).toBeLessThan(20)
    const gaps = entries.slice(1).map(({ at }, index) => (entries[index]?.at ?? 0) - at)
    expect(new Set(gaps).size).toBe(gaps.length)
  })

  test('is asked no more than two at a time', async () => {
    const set = setDesk()
    let [under, most] = [0, 0]
    const script: MachineScript = {
      found: async (honest) => {
        under++
        most = Math.max(most, under)
        await sleep(set.world, 2_000)
        under--
        return honest
      },
    }
    const machines = [2, 3, 4, 5, 6].map((key) => set.machine(script, key))
    for (const machine of machines) set.link(machine)
    for (const machine of machines) await set.until(machine, 1)
    expect(most).toBe(2)
  })
})

describe('what does not hold is kept as failed, with the reason', () => {
  const swapped: { last?: Parameters<NonNullable<MachineScript['answer']>>[0] } = {}

  test.each<readonly [what: string, reason: string, script: MachineScript]>([
    [
      'an answer to an earlier challenge',
      'The answer is to another challenge.',
      {
        answer: (honest) => {
          swapped.last ??= honest
          return swapped.last
        },
      },
    ],
    [
      'garbage',
      'The answer was no answer.',
      {
        answer: () => {
          throw new TypeError('not a result')
        },
      },
    ],
    [
      'more time than passed',
      'The answer claims more time than passed between challenge and answer.',
      { found: (honest) => (honest.part === 'compute' ? { ...honest, runUs: 60_000_000 } : honest) },
    ],
    [
      'one cell off by one',
      'The matrices did not come out right.',
      { cells: (right) => right.with(7, ((right[7] ?? 0) + 1) % 127) },
    ],
    ['cells that are no cells', 'The matrices did not come out right.', { cells: (right) => right.fill(Number.NaN) }],
    [
      'bytes that are not what was shown',
      'The bytes that came are not the blob that was asked for.',
      { give: (bytes) => bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte)) },
    ],
    [
      'a proof without having fetched',
      'The answer came before the bytes had gone out.',
      { fetch: async () => new Uint8Array(100_000) },
    ],
    [
      'a proof of other bytes',
      'The answer does not show that the bytes arrived.',
      { fetch: async (fetch) => (await fetch()).fill(0) },
    ],
    [
      'another runtime',
      'The answer is of another runtime than was asked about.',
      {
        answer: ({ record }) =>
          signRecord(signerOf(2), { chainId: 1, market: record.market }, { ...record, execSpec: '' }),
      },
    ],
    [
      'another part',
      'The answer is to another part of the benchmark.',
      {
        found: (honest) =>
          honest.part === 'network' ? { part: 'compute', output: 'x' as never, prepareUs: 0, runUs: 0 } : honest,
      },
    ],
  ])('%s', async (what, reason, script) => {
    if (what === 'an answer to an earlier challenge') {
      const set = setDesk()
      const first = set.machine()
      set.link(first)
      await set.until(first, 1)
      swapped.last = must(first.answered[0])
    }
    expect(await shown(script)).toMatchObject({ outcome: 'failed', reason, figures: null })
  })

  test('an answer for another machine, or signed by another', async () => {
    const set = setDesk()
    const other = set.machine({}, 3)
    set.link(other)
    await set.until(other, 1)
    const thief = set.machine({
      answer: (_, request) => {
        const { found } = other.answered[0]?.record ?? {}
        if (found === undefined) throw new Error('the other was asked')
        return signRecord(signerOf(3), set.domain, {
          ..._.record,
          challenge: _.record.challenge,
          found,
          at: request.challenge.record.issuedAt,
        })
      },
    })
    set.link(thief)
    const [entry] = await set.until(thief, 1)
    expect(entry).toMatchObject({ outcome: 'failed', answers: [] })
    const quoting = set.machine({ answer: () => other.answered[0] as never }, 4)
    set.link(quoting)
    expect((await set.until(quoting, 1))[0]).toMatchObject({ outcome: 'failed', answers: [] })
  })

  test('an output that it does not have', async () => {
    const output = cidOf(Uint8Array.of(1))
    const entry = await shown({ found: (honest) => (honest.part === 'compute' ? { ...honest, output } : honest) })
    expect(entry).toMatchObject({ outcome: 'failed', figures: null })
  })

  test('faster than a thread can be', async () => {
    const set = setDesk()
    const machine = set.machine()
    machine.gflops = 1e9
    set.link(machine)
    expect((await set.until(machine, 1))[0]).toMatchObject({
      outcome: 'failed',
      reason: 'The answer came sooner than a thread can compute it.',
    })
  })
})

test('whatever a machine answers, it is measured where it did the work, and failed where not', async () => {
  const found = outputsOf(benchmarkFindingsSchema)
  const cells = fc.option(fc.array(fc.float(), { minLength: 1, maxLength: 900 }))
  const bytes = fc.option(fc.uint8Array({ maxLength: 300 }))
  await fc.assert(
    fc.asyncProperty(fc.option(found), cells, bytes, async (other, wrongCells, wrongBytes) => {
      const entry = await shown({
        ...(other === null ? {} : { found: (honest) => (honest.part === other.part ? other : honest) }),
        ...(wrongCells === null
          ? {}
          : { cells: (right) => Float32Array.from(right, (_, at) => wrongCells[at % wrongCells.length] ?? 0) }),
        ...(wrongBytes === null ? {} : { give: () => Uint8Array.from(wrongBytes) }),
      })
      const isHonest = wrongCells === null && wrongBytes === null && (other === null || other.part === 'machine')
      if (!isHonest) expect(entry?.outcome).toBe('failed')
      expect(['measured', 'failed']).toContain(entry?.outcome)
      expect(benchmarkEntrySchema.parse(entry)).toEqual(entry)
    }),
    { numRuns: 40 },
  )
})

describe('a machine that does not answer', () => {
  test('is late', async () => {
    expect(await shown({ answer: () => new Promise(() => {}) })).toMatchObject({ outcome: 'late', figures: null })
  })

  test('is late as well where its bytes only drip', async () => {
    expect(await shown({ dripMs: 1_000 })).toMatchObject({ outcome: 'late', figures: null })
  })

  test('and says that it will not, has refused', async () => {
    const refusal = new MusterError({ code: 'forbidden', message: 'The owner of this machine allows no benchmarks.' })
    const refuse = () => {
      throw refusal
    }
    expect(await shown({ answer: refuse })).toMatchObject({ outcome: 'refused', reason: refusal.message })
  })

  test('since no slot is idle is asked again, and has refused after a dozen times', async () => {
    const set = setDesk()
    let times = 0
    const machine = set.machine({
      found: (honest) => {
        times++
        if (times <= 3 || times > 6) throw new MusterError({ code: 'capacity_taken', message: 'No slot is idle.' })
        return honest
      },
    })
    set.link(machine)
    expect((await set.until(machine, 1))[0]).toMatchObject({ outcome: 'measured' })
    expect(times).toBe(6)
    const [second] = await set.until(machine, 2)
    expect(second).toMatchObject({
      outcome: 'refused',
      reason: 'It had no idle slot 12 times in a row. No slot is idle.',
    })
    expect(times).toBe(18)
  })

  test('since its link broke is nothing to note, and is asked when it is back', async () => {
    const set = setDesk()
    const machine = set.machine({
      found: async () => {
        set.desk().unlinked(machine.peer)
        throw linkClosed('lost')
      },
    })
    set.link(machine)
    await set.world.advance(2 * dayMs)
    expect(await set.entriesOf(machine)).toEqual([])
    machine.script = {}
    set.link(machine)
    expect(await set.until(machine, 1, 10_000)).toHaveLength(1)
  })
})

test('a market that restarts in the middle asks anew, and what was answered before is of no use', async () => {
  const set = setDesk()
  const machine = set.machine()
  let old: (typeof machine.answered)[number] | undefined
  machine.script = {
    answer: async (honest) => {
      if (old !== undefined) return old
      old = honest
      await sleep(set.world, 30_000)
      return honest
    },
  }
  set.link(machine)
  await set.world.until(() => old !== undefined)
  set.desk().unlinked(machine.peer)
  set.open()
  set.link(machine)
  const [entry] = await set.until(machine, 1, 10_000)
  expect(entry).toMatchObject({ outcome: 'failed', reason: 'The answer is to another challenge.' })
  machine.script = {}
  await set.until(machine, 2)
  set.open()
  set.link(machine)
  await set.world.settle()
  expect(set.standingOf(machine)?.gflops).toBeCloseTo(10, 3)
})

describe('a machine that becomes slower than it was sold', () => {
  test('is looked at again within minutes, marked the second time, and sold at what was measured', async () => {
    const set = setDesk()
    const machine = set.machine()
    set.link(machine)
    await set.until(machine, 3)
    machine.gflops = 4
    const before = (await set.until(machine, 4))[0]?.at ?? 0
    expect(set.standingOf(machine)).toMatchObject({ isLow: true, isBelowSold: false })
    expect(set.standingOf(machine)?.gflops).toBeCloseTo(10, 3)
    const [again] = await set.until(machine, 5)
    expect((again?.at ?? 0) - before).toBeLessThan(16 * 60_000)
    expect(set.standingOf(machine)).toMatchObject({ isLow: true, isBelowSold: true })
    expect(set.standingOf(machine)?.soldGflops).toBeCloseTo(10, 3)
    expect(set.standingOf(machine)?.gflops).toBeCloseTo(4, 3)
    expect(set.seen.map(({ durationMs }) => Math.round(durationMs ?? 0))).toEqual([1000, 1000, 1000, 2500, 2500])
  })
})
