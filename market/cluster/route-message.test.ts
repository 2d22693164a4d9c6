import {
  attemptId,
  MusterError,
  silentLog,
  type AgentMessage,
  type AgentPeer,
  type AttemptId,
  type JobId,
} from '@muster/protocol'
import { expect, test } from 'vitest'
import type { JobActor } from '../job/job-actor.ts'
import { settleHere } from '../attempt/settle-here.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import type { NodeId, NodeRow } from '../store/node-store.ts'
import { address, someId } from '../store/test-records.ts'
import { createJobOwners } from './job-owners.ts'
import { createRouteMessage } from './route-message.ts'

const [here, there] = [someId('job'), someId('job')]
const node = { id: 'node_there', name: 'there' } as NodeRow
const peerOf = (letter: string) => ({ provider: address(letter), epoch: 1 }) as AgentPeer

const setUp = () => {
  const world = createVirtualWorld(1)
  const open = new Map<JobId, NodeId>([[there, node.id]])
  const asked: JobId[] = []
  let isAway = false
  let nodes = [node]
  const ownersOf = async (ids: readonly JobId[]) => {
    asked.push(...ids)
    if (isAway) throw new MusterError({ code: 'unavailable', message: 'The database is away.' })
    return new Map([...open].filter(([id]) => ids.includes(id)))
  }
  const jobs = { get: (id: JobId) => (id === here ? ({} as JobActor) : undefined) }
  const jobOwners = createJobOwners({ world, ownersOf, others: () => nodes })
  const sent: AgentMessage[] = []
  const settled: AttemptId[] = []
  const route = createRouteMessage({
    jobs,
    jobOwners,
    others: () => nodes,
    outbox: {
      send: (_, passed) => {
        if (passed.to === 'node') sent.push(passed.message)
      },
      forget: () => {},
    },
    take: (peer, message) => {
      if (message.type !== 'failures') return
      const attempts = message.failures.map(({ attempt }) => attempt)
      const elsewhere = async (of: AgentPeer, unknown: readonly JobId[]) =>
        new Set((await jobOwners.ofOpen(of, unknown))?.keys() ?? unknown)
      void settleHere(peer, attempts, { jobs, elsewhere }).then((done) => settled.push(...done))
    },
    log: silentLog,
  })
  const say = async (peer: AgentPeer, ...of: readonly JobId[]) => {
    const problem = { code: 'internal', message: 'No.', facts: {}, fault: 'provider', retry: 'never' } as const
    route(peer, { type: 'failures', failures: of.map((job) => ({ attempt: attemptId(job, 0, 1), problem })) })
    await world.settle()
  }
  return {
    world,
    open,
    asked,
    sent,
    settled,
    say,
    away: (is: boolean) => void (isAway = is),
    up: (are: readonly NodeRow[]) => void (nodes = [...are]),
  }
}

test('what is said of a job goes to the node that writes it, of one that is closed it is settled here, and each costs one question', async () => {
  const { asked, sent, settled, say } = setUp()
  const peer = peerOf('a')
  const closed = someId('job')
  await say(peer, there)
  await say(peer, there)
  expect([sent.length, settled, asked]).toEqual([2, [], [there]])
  for (let times = 0; times < 50; times++) await say(peer, closed)
  expect([settled.length, asked]).toEqual([50, [there, closed]])
  await say(peer, here)
  expect(asked).toEqual([there, closed])
})

test('an agent that works for jobs here and of another node asks once for each, however much it says of both at once', async () => {
  const { world, open, asked, sent, settled, say } = setUp()
  const peer = peerOf('a')
  for (let times = 0; times < 3_000; times++) {
    await say(peer, here, there)
    await world.advance(1)
  }
  expect([sent.length, settled.length, asked]).toEqual([3_000, 3_000, [there]])
  const other = someId('job')
  open.set(other, node.id)
  await say(peer, here, there, other)
  expect([sent.length, settled.length, asked]).toEqual([3_001, 3_001, [there, other]])
})

test('a job whose node is gone is asked for again, and goes to whoever took it up', async () => {
  const { open, asked, sent, settled, say, up } = setUp()
  const heir = { id: 'node_heir', name: 'heir' } as NodeRow
  const peer = peerOf('a')
  await say(peer, there)
  up([heir])
  await say(peer, there)
  open.set(there, heir.id)
  await say(peer, there)
  expect([sent.length, settled, asked]).toEqual([2, [], [there, there, there, there]])
})

test('an agent that makes jobs up asks the database so often and no more, and delays nobody but itself', async () => {
  const { world, asked, sent, settled, say } = setUp()
  const [liar, honest] = [peerOf('a'), peerOf('b')]
  for (let times = 0; times < 5_000; times++) await say(liar, someId('job'))
  await say(liar, ...Array.from({ length: 4_000 }, () => someId('job')))
  expect([asked.length, settled.length]).toEqual([1_024, 1_024])
  await say(liar, there)
  expect(sent).toEqual([])
  await say(honest, there)
  expect(sent).toHaveLength(1)
  await world.advance(10_000)
  for (let times = 0; times < 5_000; times++) await say(liar, someId('job'))
  expect(asked.length).toBeLessThanOrEqual(1_024 + 640 + 2)
  await world.advance(1_000)
  await say(liar, there)
  expect(sent).toHaveLength(2)
})

test('a message larger than what a link may ask at once is answered, and paid for with time', async () => {
  const { world, settled, say } = setUp()
  const peer = peerOf('a')
  await say(peer, ...Array.from({ length: 3_000 }, () => someId('job')))
  expect(settled.length).toBe(3_000)
  await say(peer, someId('job'))
  expect(settled.length).toBe(3_000)
  await world.advance(120_000)
  await say(peer, someId('job'))
  expect(settled.length).toBe(3_001)
})

test('a job that one agent named before it was there is found for another', async () => {
  const { open, sent, settled, say } = setUp()
  const late = someId('job')
  await say(peerOf('a'), late)
  expect(settled).toHaveLength(1)
  open.set(late, node.id)
  await say(peerOf('b'), late)
  expect([sent.length, settled.length]).toEqual([1, 1])
})

test('while the database is away nothing is settled, and nothing is taken for closed', async () => {
  const { asked, sent, settled, say, away } = setUp()
  const peer = peerOf('a')
  away(true)
  await say(peer, there)
  expect([sent, settled, asked]).toEqual([[], [], [there]])
  away(false)
  await say(peer, there)
  expect([sent.length, settled]).toEqual([1, []])
})
