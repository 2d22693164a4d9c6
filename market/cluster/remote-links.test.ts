import { silentLog, type AgentPeer } from '@muster/protocol'
import { expect, test } from 'vitest'
import { address } from '../store/test-records.ts'
import type { NodeRow } from '../store/node-store.ts'
import type { Hop, LinkNews } from './hop/hop.ts'
import type { Outbox } from './outbox.ts'
import { createRemoteLinks } from './remote-links.ts'

const provider = address('b')

const there: NodeRow = {
  id: 'node_there',
  name: 'there',
  url: 'https://127.0.0.1:1',
  market: address('a'),
  blobs: 'here',
  version: '0.1.0',
  startedAt: 0,
  beat: 0,
  links: 0,
  jobs: 0,
}

/** A node whose answers wait until they are let go. */
const setUp = () => {
  const waiting: { readonly known: number; readonly answer: (news: LinkNews) => void }[] = []
  const hop = {
    call: (_node: NodeRow, _call: string, { known }: { readonly known: number }) =>
      new Promise<LinkNews>((answer) => void waiting.push({ known, answer })),
  } as unknown as Hop
  const outbox: Outbox = { send: () => {}, forget: () => {} }
  const linked: AgentPeer[] = []
  const links = createRemoteLinks({
    hop,
    outbox,
    log: silentLog,
    onLinked: (peer) => void linked.push(peer),
    onUnlinked: () => {},
  })
  links.keep([there])
  /** Answers the oldest question as a node would on which nothing changes after version 1. */
  const answer = async (): Promise<number> => {
    const asked = waiting.shift()
    if (asked === undefined) throw new Error('nothing was asked')
    const isWhole = asked.known < 0
    asked.answer({ version: 1, isWhole, links: isWhole ? [{ provider, epoch: 7 }] : [], gone: [] })
    await new Promise(setImmediate)
    return asked.known
  }
  return { links, linked, answer, waiting }
}

test('links that are reset while a node is being asked are read anew', async () => {
  const { links, linked, answer, waiting } = setUp()
  expect(await answer()).toBe(-1)
  expect(links.peer(provider)?.epoch).toBe(7)
  void links.look(there)
  links.reset(there)
  expect(links.peer(provider)).toBeUndefined()
  expect(await answer()).toBe(1)
  expect(await answer()).toBe(-1)
  expect(links.peer(provider)?.epoch).toBe(7)
  expect(linked).toHaveLength(2)
  expect(waiting).toEqual([])
})

test('what is called over a link that is over is not waited for', async () => {
  const { links, answer } = setUp()
  await answer()
  const calling = links.peer(provider)?.call('holdings', {}, { timeoutMs: 5_000 })
  links.keep([])
  await expect(calling).rejects.toMatchObject({ code: 'link_closed' })
})
