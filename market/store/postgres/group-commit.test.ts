import { MusterError, type JobId } from '@muster/protocol'
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'
import { encodeCommit, type EncodedCommit } from '../encode-commit.ts'
import { at, someEvent, someId } from '../test-records.ts'
import { createGroupCommit } from './group-commit.ts'
import type { Writer } from './writer.ts'

const commitTo = (stream: JobId, expectedVersion = 0): EncodedCommit =>
  encodeCommit({ appends: [{ stream, expectedVersion, events: [someEvent()], at }] })

const streamsOf = (group: readonly EncodedCommit[]): JobId[] =>
  group.flatMap(({ journal }) => journal.map(({ stream }) => stream))

const refused = () => Object.assign(new postgres.PostgresError('refused'), { code: '23505' })

const createFake = (bad: ReadonlySet<JobId> = new Set()) => {
  const groups: JobId[][] = []
  const gates: (() => void)[] = []
  let gated = false
  const writer: Writer = {
    write: async (group) => {
      groups.push(streamsOf(group))
      if (gated) await new Promise<void>((resolve) => gates.push(resolve))
      if (streamsOf(group).some((stream) => bad.has(stream))) throw refused()
    },
    explain: async () => new MusterError({ code: 'stale_writer', message: 'Stale.' }),
    close: async () => {},
  }
  return { writer, groups, gates, gate: () => (gated = true) }
}

const tick = () => new Promise((resolve) => setImmediate(resolve))

describe('group commit', () => {
  test('commits that come while a group is under way make the next one', async () => {
    const fake = createFake()
    fake.gate()
    const group = createGroupCommit(fake.writer)
    const jobs = Array.from({ length: 5 }, () => someId('job'))
    const [first, ...rest] = jobs
    if (first === undefined) throw new Error('a job')
    const done = [group.commit(commitTo(first))]
    while (fake.gates.length === 0) await tick()
    done.push(...rest.map((job) => group.commit(commitTo(job))))
    fake.gates.shift()?.()
    while (fake.gates.length === 0) await tick()
    fake.gates.shift()?.()
    await Promise.all(done)
    expect(fake.groups).toEqual([[first], rest])
  })

  test('only the guilty one of a group is refused, and order is kept', async () => {
    const jobs = Array.from({ length: 8 }, () => someId('job'))
    const [, , , guilty] = jobs
    if (guilty === undefined) throw new Error('a job')
    const fake = createFake(new Set([guilty]))
    const group = createGroupCommit(fake.writer)
    const results = await Promise.allSettled(jobs.map((job) => group.commit(commitTo(job))))
    expect(results.map(({ status }) => status)).toEqual(jobs.map((job) => (job === guilty ? 'rejected' : 'fulfilled')))
    expect(results[3]).toMatchObject({ reason: { code: 'stale_writer' } })
    const written = fake.groups.filter((streams) => !streams.includes(guilty)).flat()
    expect(written).toEqual(jobs.filter((job) => job !== guilty))
  })

  test('appends that contradict each other never share a group', async () => {
    const fake = createFake()
    const group = createGroupCommit(fake.writer)
    const job = someId('job')
    await Promise.all([0, 0, 1, 2].map((version) => group.commit(commitTo(job, version))))
    expect(fake.groups.map((streams) => streams.length)).toEqual([1, 3])
  })

  test('a queue that is full refuses, with a time to come back', async () => {
    const fake = createFake()
    fake.gate()
    const group = createGroupCommit(fake.writer)
    const commit = { ...commitTo(someId('job')), bytes: 100 * 1024 * 1024 }
    const done = [0, 1, 2].map(() => group.commit(commit))
    await expect(group.commit(commit)).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
    const free = setInterval(() => fake.gates.shift()?.(), 1)
    await Promise.all(done)
    clearInterval(free)
  })

  test('a closing store finishes what it took and takes no more', async () => {
    const fake = createFake()
    const group = createGroupCommit(fake.writer)
    const done = group.commit(commitTo(someId('job')))
    const closed = group.close()
    await expect(group.commit(commitTo(someId('job')))).rejects.toMatchObject({ code: 'unavailable' })
    await done
    await closed
    expect(fake.groups).toHaveLength(1)
  })
})
