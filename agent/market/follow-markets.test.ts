import {
  addressSchema,
  linkClosed,
  MusterError,
  silentLog,
  type Address,
  type DialMarket,
  type MarketPeer,
} from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import { followMarkets, type FollowedMarket } from './follow-markets.ts'
import { noMarkets, type MarketFile } from './market-file.ts'

const addressOf = (name: string): Address => addressSchema.parse(`0x${name.charCodeAt(0).toString(16).repeat(20)}`)
const peer = {} as MarketPeer
const urlOf = (name: string) => `https://${name}.example`

const setUp = (given: readonly string[], silent: readonly string[] = []) => {
  const world = createVirtualWorld(1)
  const calls: string[] = []
  const joined = new Map<Address, DialMarket>()
  const dialled: string[] = []
  const dead = new Set<string>()
  const refused = new Map<Address, MusterError>()
  let file: MarketFile | null = noMarkets
  let told: readonly FollowedMarket[] = []
  const follower = followMarkets(
    given.map((name) => ({ url: urlOf(name), address: null })),
    {
      world,
      log: silentLog,
      agent: {
        join: (market, dial) => {
          calls.push(`join ${market.slice(2, 4)}`)
          joined.set(market, dial)
        },
        leave: async (market, isForgotten) => {
          calls.push(`${isForgotten === true ? 'forget' : 'leave'} ${market.slice(2, 4)}`)
          joined.delete(market)
        },
        status: () => ({ markets: [...refused].map(([market, problem]) => ({ market, problem })) }) as never,
      },
      identify: async ({ url, address }, signal) => {
        const name = url.slice('https://'.length, -'.example'.length)
        if (silent.includes(name)) {
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
        }
        if (name === 'wrong') throw new MusterError({ code: 'request_invalid', message: 'Another network.' })
        return address ?? addressOf(name === 'alias' ? 'a' : name)
      },
      dialer: (url) => async () => {
        dialled.push(url)
        if (dead.has(url)) throw linkClosed('lost')
        return peer
      },
      read: async () => {
        if (file === null) throw new MusterError({ code: 'request_invalid', message: 'Broken.' })
        return file
      },
      onStatus: async (markets) => {
        told = markets
      },
    },
  )
  const dial = async (name: string) =>
    joined
      .get(addressOf(name))?.(1, {} as never)
      .catch(() => undefined)
  return {
    world,
    calls,
    joined,
    dialled,
    dead,
    refused,
    dial,
    follower,
    told: () => told,
    write: (next: MarketFile | null) => void (file = next),
  }
}

const a = addressOf('a').slice(2, 4)
const b = addressOf('b').slice(2, 4)

test('markets come and go with the file, while the agent runs', async () => {
  const { world, calls, follower, write } = setUp(['a'])
  follower.start()
  await world.pass(10)
  expect(calls).toEqual([`join ${a}`])
  write({ markets: [{ url: urlOf('b'), address: addressOf('b') }], left: [] })
  await world.pass(1_100)
  write({ markets: [], left: [{ url: urlOf('a'), isForgotten: true }] })
  await world.pass(1_100)
  expect(calls).toEqual([`join ${a}`, `join ${b}`, `forget ${a}`, `leave ${b}`])
  write(noMarkets)
  await world.pass(1_100)
  expect(calls.at(-1)).toBe(`join ${a}`)
  follower.stop()
})

test('one that does not say who it is holds up no other, and is not asked any more once it is not wanted', async () => {
  const { world, calls, follower, told, write } = setUp(['silent', 'a'], ['silent'])
  follower.start()
  await world.pass(1_100)
  expect(calls).toEqual([`join ${a}`])
  expect(follower.isExpecting()).toBe(true)
  expect(told().map(({ address }) => address)).toEqual([null, addressOf('a')])
  write({ markets: [], left: [{ url: urlOf('silent'), isForgotten: false }] })
  await world.pass(1_100)
  expect(follower.isExpecting()).toBe(false)
  expect(calls).toEqual([`join ${a}`])
  follower.stop()
})

test('one on another network is given up and said, and the others are not', async () => {
  const { world, calls, follower, told } = setUp(['wrong', 'a'])
  follower.start()
  await world.pass(1_100)
  expect(calls).toEqual([`join ${a}`])
  expect(told()[0]).toMatchObject({ problem: { code: 'request_invalid' } })
  expect(follower.isExpecting()).toBe(false)
  follower.stop()
})

test('two URLs of one market are two ways to it: one link, one line, over whichever answers and is wanted', async () => {
  const { world, calls, dialled, dead, dial, follower, told, write } = setUp(['a', 'alias', 'b'])
  follower.start()
  await world.pass(2_100)
  expect(calls).toEqual([`join ${a}`, `join ${b}`])
  expect(told().map(({ url }) => url)).toEqual([`${urlOf('a')}+${urlOf('alias')}`, urlOf('b')])
  expect([await dial('a'), await dial('a')]).toEqual([peer, peer])
  expect(dialled).toEqual([urlOf('a'), urlOf('a')])
  dead.add(urlOf('a'))
  expect([await dial('a'), await dial('a'), await dial('a')]).toEqual([undefined, peer, peer])
  expect(dialled.slice(2)).toEqual([urlOf('a'), urlOf('alias'), urlOf('alias')])
  dead.clear()
  write({ markets: [], left: [{ url: urlOf('alias'), isForgotten: false }] })
  await world.pass(1_100)
  expect(await dial('a')).toBe(peer)
  expect(dialled.at(-1)).toBe(urlOf('a'))
  expect(told().map(({ url }) => url)).toEqual([urlOf('a'), urlOf('b')])
  expect(calls).toHaveLength(2)
  follower.stop()
})

test('a market that was given up over one URL is linked over another, unless another agent took its place', async () => {
  const { world, calls, dialled, refused, dial, follower, write } = setUp(['a', 'b'])
  follower.start()
  await world.pass(1_100)
  await dial('a')
  const [first, second] = [addressOf('a'), addressOf('b')]
  refused.set(first, new MusterError({ code: 'signature_invalid', message: 'That is not the market.' }))
  refused.set(second, new MusterError({ code: 'link_superseded', message: 'Another agent uses this key.' }))
  const more = [
    { url: urlOf('alias'), address: first },
    { url: urlOf('copy'), address: second },
  ]
  write({ markets: more, left: [] })
  await world.pass(1_100)
  expect(calls).toEqual([`join ${a}`, `join ${b}`, `join ${a}`])
  await dial('a')
  expect(dialled).toEqual([urlOf('a'), urlOf('alias')])
  follower.stop()
})

test('two URLs of one market are one market, and it is left with the last of them', async () => {
  const { world, calls, follower, write } = setUp(['a', 'alias'])
  follower.start()
  await world.pass(1_100)
  expect(calls).toEqual([`join ${a}`])
  write({ markets: [], left: [{ url: urlOf('a'), isForgotten: false }] })
  await world.pass(1_100)
  expect(calls).toEqual([`join ${a}`])
  write({
    markets: [],
    left: [
      { url: urlOf('a'), isForgotten: false },
      { url: urlOf('alias'), isForgotten: false },
    ],
  })
  await world.pass(1_100)
  expect(calls).toEqual([`join ${a}`, `leave ${a}`])
  follower.stop()
})

test('a file that cannot be used changes nothing', async () => {
  const { world, calls, follower, write } = setUp(['a'])
  follower.start()
  await world.pass(1_100)
  write(null)
  await world.pass(3_100)
  expect(calls).toEqual([`join ${a}`])
  write({ markets: [{ url: urlOf('b'), address: addressOf('b') }], left: [] })
  await world.pass(1_100)
  expect(calls).toEqual([`join ${a}`, `join ${b}`])
  follower.stop()
  write(noMarkets)
  await world.pass(3_000)
  expect(calls).toHaveLength(2)
})
