import { expect, test } from 'vitest'
import { cidOf, systemWorld, type Address, type AgentHandlers, type AgentPeer, type World } from '@muster/protocol'
import { attempt, recordAgent } from './link-records.ts'
import { createMemoryNetwork, type MemoryNetworkOptions } from './memory-network.ts'
import { createRandom } from './world/random.ts'
import { createTimeline } from './world/timeline.ts'

const market = `0x${'ff'.repeat(20)}` as Address
const provider = `0x${'11'.repeat(20)}` as Address

/** A market and an agent on virtual time; `play` runs until nothing is left to happen. */
const start = async (
  options: MemoryNetworkOptions,
  seed = 1,
  agentHandlers: AgentHandlers = recordAgent().handlers,
) => {
  const timeline = createTimeline()
  const world: World = { ...systemWorld, now: timeline.now, elapsed: timeline.now, after: timeline.after }
  const network = createMemoryNetwork(world, createRandom(String(seed)).next, options)
  const story: string[] = []
  const tell = (what: string) => story.push(`${Math.round(timeline.now())} ${what}`)
  const peers: AgentPeer[] = []
  const node = network.listen({
    market,
    world,
    handlers: {
      onOpen: (peer) => {
        peers.push(peer)
        tell('market open')
      },
      onMessage: (_peer, message) => tell(`market ${message.type}`),
      onClose: (_peer, reason) => tell(`market ${reason}`),
    },
    acceptEpoch: () => Promise.resolve(true),
  })
  const agent = network.agent(provider, market, world)
  const play = () =>
    timeline.run(
      () => false,
      (error) => tell(`error ${String(error)}`),
    )
  const linked = agent.dial(1, agentHandlers)
  linked.then(({ closed }) => closed.then((reason) => tell(`agent ${reason}`))).catch(() => tell('agent refused'))
  await play()
  const [peer] = peers
  if (peer === undefined) throw new Error('no link')
  return { node, agent, peer, linked, story, play, tell }
}

const slow = { latencyMs: { min: 10, max: 50 }, noticeMs: { min: 100, max: 900 } }

test('one seed tells one story, another seed another', async () => {
  const tell = async (seed: number) => {
    const { peer, story, play, tell } = await start({ ...slow, breakChance: 0.05 }, seed)
    for (let i = 0; i < 50; i++)
      peer.call('holdings', {}, { timeoutMs: 500 }).then(
        () => tell(`answer ${i}`),
        () => tell(`failure ${i}`),
      )
    await play()
    return story
  }
  const first = await tell(3)
  expect(await tell(3)).toEqual(first)
  expect(await tell(4)).not.toEqual(first)
})

test('a call may overtake a message, and a message never another', async () => {
  const overtakes = new Set<boolean>()
  for (let seed = 0; seed < 20; seed++) {
    const seen: string[] = []
    const { handlers } = recordAgent({
      onMessage: (message) => seen.push(message.type === 'cancel' ? String(message.attempts[0]) : message.type),
      onCall: () => {
        seen.push('call')
        return Promise.resolve({ lines: [] } as never)
      },
    })
    const { peer, play } = await start(slow, seed, handlers)
    for (let i = 0; i < 5; i++) peer.send({ type: 'cancel', attempts: [attempt(i)] })
    peer.call('logs', { attempt: attempt(1) }, { timeoutMs: 1000 }).catch(() => {})
    await play()
    expect(seen.filter((each) => each !== 'call')).toEqual([0, 1, 2, 3, 4].map(attempt))
    overtakes.add(seen.at(-1) !== 'call')
  }
  expect(overtakes).toEqual(new Set([true, false]))
})

test('a crashed market hears and answers nothing, and its agent notices', async () => {
  const { node, peer, linked, story, play, tell } = await start(slow)
  peer.call('holdings', {}, { timeoutMs: 100 }).then(
    () => tell('answer'),
    () => tell('failure'),
  )
  const agentPeer = await linked
  agentPeer.send({ type: 'notice', leases: [], by: 1 })
  node.crash()
  await play()
  expect(story.map((line) => line.replace(/^\d+ /, ''))).toEqual(['market open', 'agent lost'])
})

test('a crashed agent hears and answers nothing, and its market notices', async () => {
  const { agent, peer, story, play, tell } = await start(slow)
  peer.call('holdings', {}, { timeoutMs: 5000 }).then(
    () => tell('answer'),
    () => tell('failure'),
  )
  agent.crash()
  await play()
  const told = story.map((line) => line.replace(/^\d+ /, ''))
  expect(told).toEqual(['market open', 'market lost', 'failure'])
})

test('what is on its way when a link breaks is lost', async () => {
  const { handlers, messages } = recordAgent()
  const { agent, peer, play } = await start(slow, 1, handlers)
  peer.send({ type: 'cancel', attempts: [attempt(1)] })
  agent.cut()
  await play()
  expect(messages).toEqual([])
})

test('bits that turn on the way are found', async () => {
  const { peer, play, story, tell } = await start({ corruptChance: 1 })
  const bytes = new Uint8Array(100)
  const once = async function* () {
    yield bytes
  }
  peer.putBlob(cidOf(bytes), once()).then(
    () => tell('stored'),
    (error: unknown) => tell(String(error)),
  )
  await play()
  expect(story.at(-1)).toContain('not the blob that was asked for')
})
