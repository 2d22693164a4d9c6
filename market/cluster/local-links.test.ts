import type { Address, AgentPeer } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLocalLinks } from './local-links.ts'

const providerOf = (index: number): Address => `0x${index.toString(16).padStart(40, '0')}` as Address

const setUp = () => {
  const linked = new Map<Address, AgentPeer>()
  const links = createLocalLinks({
    peers: () => linked.values(),
    peer: (provider: Address) => linked.get(provider),
  })
  let epoch = 0
  return {
    linked,
    links,
    link: (index: number) => {
      linked.set(providerOf(index), { provider: providerOf(index), epoch: ++epoch } as AgentPeer)
      links.changed(providerOf(index))
    },
    unlink: (index: number) => {
      linked.delete(providerOf(index))
      links.changed(providerOf(index))
    },
  }
}

/** What a node that reads the news knows. */
const follow = (links: ReturnType<typeof createLocalLinks>) => {
  let version = -1
  let known = new Map<Address, number>()
  return {
    known: () => known,
    look: () => {
      const news = links.read(version)
      version = news.version
      if (news.isWhole) known = new Map()
      for (const { provider, epoch } of news.links) known.set(provider, epoch)
      for (const provider of news.gone) known.delete(provider)
      return news
    },
  }
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: fc.constantFrom('link', 'unlink'), index: fc.nat({ max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('look'), index: fc.constant(0) }) },
)

test('whoever reads the news, however rarely, knows who is linked', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const stage = setUp()
      const follower = follow(stage.links)
      for (const { what, index } of steps) {
        if (what === 'link') stage.link(index)
        else if (what === 'unlink') stage.unlink(index)
        else follower.look()
      }
      follower.look()
      expect(follower.known()).toEqual(new Map([...stage.linked].map(([provider, { epoch }]) => [provider, epoch])))
    }),
  )
})

test('one change among many links is told as one, and one that was missed long ago by all of them', () => {
  const stage = setUp()
  for (let index = 0; index < 1_000; index++) stage.link(index)
  const follower = follow(stage.links)
  const late = follow(stage.links)
  expect(follower.look()).toMatchObject({ isWhole: true, links: { length: 1_000 } })
  late.look()
  stage.unlink(3)
  stage.link(4)
  expect(follower.look()).toMatchObject({ isWhole: false, links: [{ provider: providerOf(4) }], gone: [providerOf(3)] })
  expect(follower.look()).toMatchObject({ isWhole: false, links: [], gone: [] })
  for (let round = 0; round < 20_000; round++) stage.link(round % 10)
  expect(late.look().isWhole).toBe(true)
  expect(late.known()).toEqual(new Map([...stage.linked].map(([provider, { epoch }]) => [provider, epoch])))
})
