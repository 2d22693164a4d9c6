import { MusterError, silentLog, type JobId, type TimelineEvent } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { noopSpec, rehearse } from '../rehearsal/rehearse.ts'
import { createMemoryStore, type FaultPoint } from '../store/memory/create-memory-store.ts'
import type { Commit } from '../store/store.ts'
import { createJobActor, type Committed } from './job-actor.ts'
import { loadJob } from './load-job.ts'

/** An actor of a job that was submitted and waits for slots, on a store of its own. */
const setUp = async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n })
  const tenant = await stage.tenant()
  agent.publish({ slots: 0 })
  const { id } = await tenant.submit(noopSpec(4))
  await stage.market().stop()
  const disk = (await stage.store().readStream(id))?.events ?? []
  const [submitted] = disk
  if (submitted?.event.type !== 'submitted') throw new Error('not submitted')

  const world = createVirtualWorld()
  let fault: ((point: FaultPoint) => void) | undefined
  const plain = createMemoryStore({ onFaultPoint: (point) => fault?.(point) })
  const commits: Commit[] = []
  const store = {
    ...plain,
    commit: (commit: Commit) => {
      commits.push(commit)
      return plain.commit(commit)
    },
  }
  const acted: Committed[] = []
  let isStopped = false
  const open = async (job: JobId = id) =>
    createJobActor(job, await loadJob(store, job), {
      world,
      store,
      log: silentLog,
      plan: () => {},
      act: (_, committed) => acted.push(committed),
      snapshotEvery: 2_000,
      isStopped: () => isStopped,
    })
  const actor = await open()
  await actor.step((draft) => draft.emit(submitted.event))
  commits.length = 0
  acted.length = 0
  return {
    world,
    store,
    actor,
    commits,
    acted,
    open,
    id,
    failWith: (error: (() => Error) | undefined, point: FaultPoint = 'before-commit') => {
      fault =
        error &&
        ((at) => {
          if (at === point) throw error()
        })
    },
    stop: () => {
      isStopped = true
    },
  }
}

const withdraw =
  (task: number) => (draft: Parameters<Parameters<Awaited<ReturnType<typeof setUp>>['actor']['step']>[0]>[0]) => {
    draft.emit({ type: 'withdrawn', at: draft.now, tasks: [task] })
    return task
  }

test('steps that are asked for at once share a commit, and each gets its own answer', async () => {
  const { actor, commits } = await setUp()
  expect(await Promise.all([actor.step(withdraw(0)), actor.step(withdraw(1)), actor.step(() => 'nothing')])).toEqual([
    0,
    1,
    'nothing',
  ])
  expect(commits).toHaveLength(1)
  expect(actor.peek()?.counts).toMatchObject({ waiting: 2, cancelled: 2 })
})

test('nothing shows, and nothing is acted on, before it is durable', async () => {
  const { actor, acted, store } = await setUp()
  const durable = Promise.withResolvers<void>()
  const commit = store.commit
  store.commit = async (each) => {
    await durable.promise
    return commit(each)
  }
  const step = actor.step(withdraw(0))
  await new Promise((resolve) => setImmediate(resolve))
  expect(actor.peek()?.counts.cancelled).toBe(0)
  expect(acted).toEqual([])
  durable.resolve()
  await step
  expect(actor.peek()?.counts.cancelled).toBe(1)
  expect(acted).toHaveLength(1)
})

test('a step that emits and then throws leaves nothing behind, and those beside it are kept', async () => {
  const { actor } = await setUp()
  const spoilt = actor.step((draft) => {
    withdraw(1)(draft)
    throw new Error('after all, no')
  })
  const [first, second, third] = await Promise.allSettled([actor.step(withdraw(0)), spoilt, actor.step(withdraw(2))])
  expect([first.status, second.status, third.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(actor.peek()?.counts).toMatchObject({ waiting: 2, cancelled: 2 })
  expect(actor.peek()?.waiting.has(1)).toBe(true)
  expect(await actor.step(withdraw(1))).toBe(1)
})

test('a refused commit costs only the step that was at fault', async () => {
  const { actor, id } = await setUp()
  const poor = actor.step((draft) => {
    withdraw(1)(draft)
    draft.blobRefs.push({ cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy' as never, job: id })
  })
  const [first, second, third] = await Promise.allSettled([actor.step(withdraw(0)), poor, actor.step(withdraw(2))])
  expect(first.status).toBe('fulfilled')
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'blob_missing' } })
  expect(third.status).toBe('fulfilled')
  expect(actor.peek()?.counts).toMatchObject({ waiting: 2, cancelled: 2 })
})

test('a commit whose answer was lost is found in the journal, acted on once, and not made again', async () => {
  const { actor, acted, failWith, store, id } = await setUp()
  const shown: TimelineEvent[] = []
  actor.watch((event) => shown.push(event))
  failWith(() => new MusterError({ code: 'unavailable', message: 'The connection broke.' }), 'after-commit')
  const lost = actor.step(withdraw(0))
  await expect(lost).rejects.toMatchObject({ code: 'unavailable' })
  failWith(undefined)
  expect(await actor.step((draft) => draft.job.counts.cancelled)).toBe(1)
  expect(await actor.step(withdraw(1))).toBe(1)
  expect(acted.map(({ events }) => events.length)).toEqual([1, 1])
  expect(shown.map(({ version }) => version)).toEqual([2, 3])
  expect((await store.readStream(id))?.version).toBe(3)
})

test('another writer of the job is noticed, and its events taken in', async () => {
  const { actor, open, acted } = await setUp()
  const other = await open()
  await other.step(withdraw(0))
  expect(await actor.step(withdraw(1))).toBe(1)
  expect(actor.peek()?.counts.cancelled).toBe(2)
  await expect(other.step(withdraw(1))).rejects.toMatchObject({ code: 'transition_refused' })
  expect(acted.length).toBeGreaterThan(2)
})

test('a snapshot that cannot be written harms nothing', async () => {
  const { actor, store } = await setUp()
  store.writeSnapshot = () => Promise.reject(new MusterError({ code: 'disk_full', message: 'Full.' }))
  const many = (draft: Parameters<Parameters<typeof actor.step>[0]>[0]) => {
    for (let i = 0; i < 2_100; i++)
      draft.emit({
        type: 'unmatched',
        at: draft.now,
        missing: 1,
        problem: { code: 'x', message: 'x', facts: {}, fault: 'market', retry: 'now' },
      })
  }
  await actor.step(many)
  expect(await actor.step(withdraw(0))).toBe(0)
  expect(actor.version()).toBe(2_102)
})

test('a market that stopped takes no step, and finishes the one under way', async () => {
  const { actor, stop, store } = await setUp()
  const durable = Promise.withResolvers<void>()
  const commit = store.commit
  store.commit = async (each) => {
    await durable.promise
    return commit(each)
  }
  const first = actor.step(withdraw(0))
  await new Promise((resolve) => setImmediate(resolve))
  const second = actor.step(withdraw(1))
  stop()
  durable.resolve()
  expect(await first).toBe(0)
  await expect(second).rejects.toMatchObject({ code: 'unavailable' })
  await expect(actor.step(withdraw(2))).rejects.toMatchObject({ code: 'unavailable' })
})
