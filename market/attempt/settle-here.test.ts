import { attemptId, type AgentPeer, type AttemptId, type JobId } from '@muster/protocol'
import { expect, test } from 'vitest'
import type { JobActor } from '../job/job-actor.ts'
import { someId } from '../store/test-records.ts'
import { settleHere } from './settle-here.ts'

const [here, there, nowhere] = [someId('job'), someId('job'), someId('job')]
const peer = {} as AgentPeer
const jobs = { get: (id: JobId) => (id === here ? ({} as JobActor) : undefined) }
const attempts: AttemptId[] = [here, there, nowhere].map((job) => attemptId(job, 0, 1))

test('a node settles what is said of its own jobs and of those of nobody, and leaves the rest to their node', async () => {
  const asked: JobId[][] = []
  const elsewhere = async (_: AgentPeer, unknown: readonly JobId[]) => {
    asked.push([...unknown])
    return new Set([there])
  }
  expect(await settleHere(peer, attempts, { jobs, elsewhere })).toEqual([attempts[0], attempts[2]])
  expect(asked).toEqual([[there, nowhere]])
})

test('a node that has the market to itself settles all, and one that knows every job asks nobody', async () => {
  expect(await settleHere(peer, attempts, { jobs })).toEqual(attempts)
  const elsewhere = () => Promise.reject(new Error('asked'))
  expect(await settleHere(peer, attempts.slice(0, 1), { jobs, elsewhere })).toEqual(attempts.slice(0, 1))
})

test('where nobody can say whose a job is, nothing is settled', async () => {
  await expect(
    settleHere(peer, attempts, { jobs, elsewhere: () => Promise.reject(new Error('away')) }),
  ).rejects.toThrow('away')
})
