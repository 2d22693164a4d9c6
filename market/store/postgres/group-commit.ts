import { MusterError, type JobId } from '@muster/protocol'
import type { EncodedCommit } from '../encode-commit.ts'
import type { NodeId } from '../node-store.ts'
import { storeClosed } from '../refusals.ts'
import { startsAnew } from './merge-commits.ts'
import { meaningOf } from './store-error.ts'
import type { Writer } from './writer.ts'

/** Takes commits as they come and writes those that came meanwhile as one group. */
export interface GroupCommit {
  commit(commit: EncodedCommit): Promise<void>
  /** Refuses new commits and resolves when those taken are settled. */
  close(): Promise<void>
}

interface Waiting {
  readonly commit: EncodedCommit
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const maxGroupCommits = 512
const maxGroupBytes = 4 * 1024 * 1024
const maxQueuedCommits = 20_000
const maxQueuedBytes = 256 * 1024 * 1024
const maxExplanations = 5
const retryQueueMs = 250

const queueFull = (commits: number): MusterError =>
  new MusterError({
    code: 'unavailable',
    fault: 'machine',
    retryAfterMs: retryQueueMs,
    message: 'More is written than the disk takes; try again in a moment.',
    facts: { outcome: 'nothing written', queued: commits },
  })

/** Of rows of one job in a group only the last is written, so that the owner of each must be the same. */
const hasOtherOwner = (commit: EncodedCommit, owners: ReadonlyMap<JobId, NodeId | undefined>): boolean =>
  commit.jobs.some(({ id, owner }) => owners.has(id) && owners.get(id) !== owner)

/** Lets whoever is ready to run, run, and so add to the group. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export const createGroupCommit = (writer: Writer): GroupCommit => {
  let queue: Waiting[] = []
  let queuedBytes = 0
  let pumping: Promise<void> | undefined
  let closed = false

  const takeGroup = (): Waiting[] => {
    const ends = new Map<JobId, number>()
    const owners = new Map<JobId, NodeId | undefined>()
    let bytes = 0
    let size = 0
    for (const { commit } of queue) {
      bytes += commit.bytes
      const isFull = size === maxGroupCommits || bytes > maxGroupBytes
      if (size > 0 && (isFull || startsAnew(commit, ends) || hasOtherOwner(commit, owners))) break
      for (const { id, owner } of commit.jobs) owners.set(id, owner)
      for (const { stream, version, count } of commit.journal) ends.set(stream, version + count)
      size++
    }
    const group = queue.slice(0, size)
    queue = queue.slice(size)
    for (const { commit } of group) queuedBytes -= commit.bytes
    return group
  }

  const settleAlone = async (waiting: Waiting, error: unknown): Promise<void> => {
    let cause = error
    for (let tries = 0; tries < maxExplanations; tries++) {
      const refusal = await writer.explain(waiting.commit)
      if (refusal !== undefined) return waiting.reject(refusal)
      try {
        await writer.write([waiting.commit])
        return waiting.resolve()
      } catch (again) {
        if (again instanceof MusterError) return waiting.reject(again)
        cause = again
      }
    }
    waiting.reject(new MusterError({ code: 'internal', message: 'The database refused this commit.', cause }))
  }

  const settle = async (group: readonly Waiting[]): Promise<void> => {
    try {
      await writer.write(group.map(({ commit }) => commit))
      for (const { resolve } of group) resolve()
    } catch (error) {
      const [only] = group
      if (error instanceof MusterError || meaningOf(error) !== 'refused') {
        for (const { reject } of group) reject(error)
      } else if (group.length === 1 && only !== undefined) {
        await settleAlone(only, error)
      } else {
        const half = group.length >> 1
        await settle(group.slice(0, half))
        await settle(group.slice(half))
      }
    }
  }

  const pump = async (): Promise<void> => {
    await breathe()
    while (queue.length > 0) {
      await settle(takeGroup())
      await breathe()
    }
    pumping = undefined
  }

  return {
    commit: (commit) => {
      if (closed) return Promise.reject(storeClosed())
      if (queue.length >= maxQueuedCommits || queuedBytes >= maxQueuedBytes) {
        return Promise.reject(queueFull(queue.length))
      }
      return new Promise((resolve, reject) => {
        queue.push({ commit, resolve, reject })
        queuedBytes += commit.bytes
        pumping ??= pump()
      })
    },
    close: async () => {
      closed = true
      await pumping
    },
  }
}
