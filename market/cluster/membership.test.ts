import { silentLog, type JobId } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createMemoryStore } from '../store/memory/create-memory-store.ts'
import { createMemoryDisk } from '../store/memory/memory-disk.ts'
import type { NodeRow } from '../store/node-store.ts'
import type { Store } from '../store/store.ts'
import { address, someId, someJobRow } from '../store/test-records.ts'
import { createMembership, type MembershipOptions } from './membership.ts'

const world = () => createVirtualWorld()

const setUp = () => {
  const clock = world()
  const disk = createMemoryDisk()
  const member = (name: string, options: Partial<MembershipOptions> = {}, wrap: (store: Store) => Store = (s) => s) => {
    const taken: JobId[] = []
    const seen: NodeRow[][] = []
    const takenOut: string[] = []
    const failing = new Set<JobId>()
    let letGo = 0
    const membership = createMembership(
      {
        name,
        url: `https://${name}`,
        market: address('a'),
        blobs: 'here',
        version: '0.1.0',
        timeoutMs: 3_000,
        ...options,
      },
      {
        world: clock,
        store: wrap(createMemoryStore({ disk })),
        log: silentLog,
        load: () => ({ links: 1, jobs: taken.length }),
        takeUp: async (job) => {
          if (failing.has(job)) throw new Error('cannot read')
          taken.push(job)
        },
        letGo: () => void letGo++,
        onNodes: (nodes) => void seen.push([...nodes]),
        onFacts: () => {},
        onLooked: () => {},
        onTakenOut: (node) => void takenOut.push(node.name),
        tellOthers: () => {},
      },
    )
    return { membership, taken, takenOut, failing, seen, letGo: () => letGo }
  }
  const job = async (owner: string): Promise<JobId> => {
    const id = someId('job')
    await createMemoryStore({ disk }).commit({ jobs: [{ ...someJobRow(id, someId('tenant')), owner }] })
    return id
  }
  const names = (node: ReturnType<typeof member>) => node.membership.others().map(({ name }) => name)
  return { clock, disk, member, job, names }
}

describe('membership', () => {
  test('before it starts and after it stops a node is sure of nothing, and may stop without a start', async () => {
    const { member, disk } = setUp()
    const { membership } = member('a')
    expect([membership.isSure(), membership.isSettled(), membership.others()]).toEqual([false, false, []])
    membership.look()
    await membership.stop()
    await membership.stop()
    expect(disk.nodes.size).toBe(0)
    const b = member('b')
    await b.membership.start()
    expect([b.membership.isSure(), b.membership.isSettled(), disk.nodes.size]).toEqual([true, true, 1])
    await b.membership.stop()
    expect([b.membership.isSure(), disk.nodes.size]).toEqual([false, 0])
  })

  test('takes up what nobody owns, tries again what it could not read, and is settled only then', async () => {
    const { clock, member, job } = setUp()
    const jobs = await Promise.all(Array.from({ length: 40 }, () => job('gone')))
    const a = member('a')
    const [unread = someId('job')] = jobs
    a.failing.add(unread)
    await a.membership.start()
    expect([a.taken.length, a.membership.isSettled()]).toEqual([39, false])
    a.failing.clear()
    await clock.advance(1_100)
    expect([new Set(a.taken).size, a.membership.isSettled()]).toEqual([40, true])
  })

  test('a node that stands still is taken out after its time, and its jobs go to the others', async () => {
    const { clock, member, job, names } = setUp()
    let isStill = false
    const a = member('a')
    const b = member('b', {}, (store) => ({
      ...store,
      nodes: {
        ...store.nodes,
        beat: async (...all) => (isStill ? new Promise<never>(() => {}) : store.nodes.beat(...all)),
      },
    }))
    await a.membership.start()
    await b.membership.start()
    await clock.advance(1_500)
    expect(names(a)).toEqual(['b'])
    const own = await job(b.membership.id())
    isStill = true
    await clock.advance(2_500)
    expect([names(a), a.taken]).toEqual([['b'], []])
    await clock.advance(2_500)
    expect([names(a), a.taken, b.membership.isSure()]).toEqual([[], [own], false])
    expect([a.takenOut, b.takenOut]).toEqual([['b'], []])
  })

  test('a node that was taken out lets go of its jobs and comes back as another run', async () => {
    const { clock, disk, member } = setUp()
    const a = member('a')
    await a.membership.start()
    const before = a.membership.id()
    disk.nodes.delete(before)
    await clock.advance(1_500)
    expect(a.letGo()).toBe(1)
    expect(a.membership.id()).not.toBe(before)
    expect([a.membership.isSure(), [...disk.nodes.keys()]]).toEqual([true, [a.membership.id()]])
  })

  test('of two processes with one name the later one works, and the earlier one decides nothing any more', async () => {
    const { clock, member } = setUp()
    const [first, second] = [member('a'), member('a')]
    await first.membership.start()
    await second.membership.start()
    await clock.advance(10_000)
    expect([first.membership.isSure(), second.membership.isSure()]).toEqual([false, true])
    expect([first.letGo(), second.letGo()]).toEqual([1, 0])
  })

  test('who could not look for a while takes nobody out for that', async () => {
    const { clock, member, names } = setUp()
    let isAway = false
    const away = (store: Store): Store => ({
      ...store,
      nodes: {
        ...store.nodes,
        beat: async (...all) => (isAway ? Promise.reject(new Error('away')) : store.nodes.beat(...all)),
        list: async () => (isAway ? Promise.reject(new Error('away')) : store.nodes.list()),
      },
    })
    const [a, b] = [member('a', {}, away), member('b', {}, away)]
    await a.membership.start()
    await b.membership.start()
    await clock.advance(2_000)
    isAway = true
    await clock.advance(60_000)
    expect([a.membership.isSure(), b.membership.isSure()]).toEqual([false, false])
    isAway = false
    await clock.advance(5_000)
    expect([a.membership.isSure(), b.membership.isSure(), names(a), names(b)]).toEqual([true, true, ['b'], ['a']])
    expect([a.letGo(), b.letGo()]).toEqual([0, 0])
  })

  test.each([
    ['alone beside a node that is up', { url: null }, /NATS between them: start each with --nats-url/],
    ['with another key', { market: address('b') }, /another key/],
    ['with its blobs elsewhere', { blobs: 'there' }, /keeps its blobs elsewhere/],
  ])('a node %s does not start, and says why', async (_, options, message) => {
    const { clock, member, disk } = setUp()
    const a = member('a')
    await a.membership.start()
    const refused = expect(member('b', options).membership.start()).rejects.toThrow(message)
    await clock.advance(5_000)
    await refused
    expect(disk.nodes.size).toBe(1)
  })

  test('a node that works alone keeps others out, until it is gone', async () => {
    const { clock, member, disk } = setUp()
    const alone = member('a', { url: null })
    await alone.membership.start()
    const refused = expect(member('b').membership.start()).rejects.toThrow(/works alone on this database/)
    await clock.advance(5_000)
    await refused
    await alone.membership.stop()
    await member('b').membership.start()
    expect(disk.nodes.size).toBe(1)
  })

  test('the row of a node that ended without a word keeps another out for its time only', async () => {
    const { clock, member, disk } = setUp()
    await createMemoryStore({ disk }).nodes.enter({
      ...{ id: 'run-1', name: 'dead', url: null, market: address('a'), blobs: 'here', version: '0.1.0' },
      ...{ startedAt: 0, links: 0, jobs: 0 },
    })
    const starting = member('b').membership.start()
    await clock.advance(4_000)
    await starting
    expect([...disk.nodes.values()].map(({ name }) => name)).toEqual(['b'])
  })
})
