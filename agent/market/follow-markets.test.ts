import { addressSchema, MusterError, silentLog, type Address, type DialMarket } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import { followMarkets, type FollowedMarket } from './follow-markets.ts'
import { noMarkets, type MarketFile } from './market-file.ts'

const addressOf = (name: string): Address => addressSchema.parse(`0x${name.charCodeAt(0).toString(16).repeat(20)}`)
const urlOf = (name: string) => `https://${name}.example`
const dial: DialMarket = () => new Promise(() => {})

const setUp = (given: readonly string[], silent: readonly string[] = []) => {
  const world = createVirtualWorld(1)
  const calls: string[] = []
  const joined = new Set<Address>()
  let file: MarketFile | null = noMarkets
  let told: readonly FollowedMarket[] = []
  const follower = followMarkets(
    given.map((name) => ({ url: urlOf(name), address: null })),
    {
      world,
      log: silentLog,
      agent: {
        join: (market) => {
          calls.push(`join ${market.slice(2, 4)}`)
          joined.add(market)
        },
        leave: async (market, isForgotten) => {
          calls.push(`${isForgotten === true ? 'forget' : 'leave'} ${market.slice(2, 4)}`)
          joined.delete(market)
        },
        status: () => ({ markets: [] }) as never,
      },
      identify: async ({ url, address }, signal) => {
        const name = url.slice('https://'.length, -'.example'.length)
        if (silent.includes(name)) {
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
        }
        if (name === 'wrong') throw new MusterError({ code: 'request_invalid', message: 'Another network.' })
        return address ?? addressOf(name === 'alias' ? 'a' : name)
      },
      dialer: () => dial,
      read: async () => {
        if (file === null) throw new MusterError({ code: 'request_invalid', message: 'Broken.' })
        return file
      },
      onStatus: async (markets) => {
        told = markets
      },
    },
  )
  return { world, calls, joined, follower, told: () => told, write: (next: MarketFile | null) => void (file = next) }
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
