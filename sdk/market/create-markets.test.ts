import { MusterError, newId, systemWorld, toJson } from '@muster/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { createMuster } from '../client/create-muster.ts'
import { fakeApiKey, noopSpec, startFakeMarket, type FakeMarket, type FakeMarketOptions } from '../fake/index.ts'
import type { Markets, MarketsOptions } from './create-markets.ts'

const open: FakeMarket[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((market) => market.close()))
})

const start = async (...all: readonly FakeMarketOptions[]): Promise<FakeMarket[]> => {
  const markets = await Promise.all(all.map((options) => startFakeMarket(options)))
  open.push(...markets)
  return markets
}

const clientOf = (markets: readonly FakeMarket[], options: Partial<MarketsOptions> = {}): Markets =>
  createMuster({
    markets: markets.map(({ url }) => ({ url, apiKey: fakeApiKey, retry: { firstDelayMs: 1, maxDelayMs: 5 } })),
    patienceMs: 200,
    ...options,
  })

const failure = async (promise: Promise<unknown>): Promise<MusterError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(MusterError)
  return error as MusterError
}

const jobsOf = (markets: readonly FakeMarket[]): number[] => markets.map(({ network }) => network.jobs.size)
const refusal = (code: string, facts = {}) => ({
  type: 'answer' as const,
  status: 503,
  headers: { 'content-type': 'application/problem+json' },
  body: toJson({ code, message: 'Not now.', facts, fault: 'market', retry: 'later' }),
})

describe('a job is submitted', () => {
  test('where the rule of its order awards it best, and says why', async () => {
    const markets = await start({ priceNanoUsd: 9n }, { priceNanoUsd: 5n }, { priceNanoUsd: 7n })
    const { market, job, ranked } = await clientOf(markets).submitJob(noopSpec(2))
    expect(market).toBe(markets[1]?.url)
    expect(jobsOf(markets)).toEqual([0, 1, 0])
    expect(ranked.map((each) => each.market)).toEqual([markets[1]?.url, markets[2]?.url, markets[0]?.url])
    expect(ranked[0]?.why).toMatch(/^\$0\.000000005 per task for \d+ of \d+ slots$/)
    expect(job.counts.final).toBe(2)
  })

  test('of equals at the first', async () => {
    const markets = await start({}, {})
    expect((await clientOf(markets).submitJob(noopSpec(1))).market).toBe(markets[0]?.url)
  })

  test('with its blobs, to the market that gets it only', async () => {
    const markets = await start({ priceNanoUsd: 9n }, { priceNanoUsd: 5n })
    const bytes = new TextEncoder().encode('an input')
    const stream = async function* () {
      yield new TextEncoder().encode('another one')
    }
    await clientOf(markets).submitJob(noopSpec(1), { blobs: [bytes, stream()] })
    expect(markets.map(({ calls }) => calls.filter((call) => call === 'putBlob').length)).toEqual([0, 2])
  })

  test('to the next where one is gone', async () => {
    const markets = await start({ priceNanoUsd: 5n }, { priceNanoUsd: 9n })
    await markets[0]?.close()
    const passed: string[] = []
    const muster = clientOf(markets)
    const { market, ranked } = await muster.submitJob(noopSpec(1), { onPassedOver: (url) => passed.push(url) })
    expect(market).toBe(markets[1]?.url)
    expect(ranked[1]).toMatchObject({ market: markets[0]?.url, slots: 0, problem: { code: 'unavailable' } })
    expect(passed).toEqual([])
  })

  test('to the next where one goes between the question and the order', async () => {
    const markets = await start({ priceNanoUsd: 5n }, { priceNanoUsd: 9n })
    const { market, passedOver } = await clientOf(markets).submitJob(noopSpec(1), {
      onRanked: () => void markets[0]?.close(),
    })
    expect(market).toBe(markets[1]?.url)
    expect(passedOver).toMatchObject([{ market: markets[0]?.url, problem: { code: 'unavailable', fault: 'network' } }])
  })

  test.each(['unavailable', 'nothing_fits', 'insufficient_funds', 'rate_limited', 'forbidden'])(
    'to the next where one refuses it: %s',
    async (code) => {
      const markets = await start({ priceNanoUsd: 5n }, { priceNanoUsd: 9n })
      markets[0]?.fail('submitJob', refusal(code))
      const { market, passedOver } = await clientOf(markets).submitJob(noopSpec(1))
      expect(market).toBe(markets[1]?.url)
      expect(passedOver).toMatchObject([{ problem: { code } }])
      expect(jobsOf(markets)).toEqual([0, 1])
    },
  )

  test('to another market than one that hangs when it is asked', async () => {
    const markets = await start({ priceNanoUsd: 5n }, { priceNanoUsd: 9n })
    markets[0]?.fail('match', { type: 'hang' })
    const { market, ranked } = await clientOf(markets, { askTimeoutMs: 50 }).submitJob(noopSpec(1))
    expect(market).toBe(markets[1]?.url)
    expect(ranked[1]?.problem).toMatchObject({ code: 'timeout' })
  })

  test('nowhere where its spec is wrong, and nobody is asked', async () => {
    const markets = await start({}, {})
    expect(await failure(clientOf(markets).submitJob({ ...noopSpec(1), slots: 0 }))).toMatchObject({
      code: 'spec_invalid',
    })
    expect(markets.flatMap(({ calls }) => calls)).toEqual([])
  })

  test('nowhere where nobody takes it, with the reason of each', async () => {
    const markets = await start({}, {})
    markets[0]?.fail('submitJob', refusal('unavailable'))
    markets[1]?.fail('submitJob', refusal('insufficient_funds'))
    const error = await failure(clientOf(markets).submitJob(noopSpec(1)))
    expect(error.facts['markets']).toMatchObject([{ code: 'unavailable' }, { code: 'insufficient_funds' }])
    expect(error.message).toContain('No market took the job')
  })
})

describe('a job is never at two markets', () => {
  test.each([
    ['the answer is lost', [{ type: 'lose' }]],
    ['the connection breaks', [{ type: 'drop' }]],
    ['answers are lost again and again', [{ type: 'lose' }, { type: 'lose' }, { type: 'drop' }, { type: 'lose' }]],
    ['a proxy has no answer', [{ type: 'answer', status: 504, body: 'gateway timeout' }]],
    ['the database of the market cannot say', [refusal('unavailable', { outcome: 'unknown' })]],
    ['the answer is lost, and the market starts again', [{ type: 'lose' }, refusal('unavailable')]],
    ['the answer is lost, and the market is asked too often', [{ type: 'lose' }, refusal('rate_limited')]],
  ] as const)('where %s: the same market is asked again', async (_, faults) => {
    const markets = await start({ priceNanoUsd: 5n }, { priceNanoUsd: 9n })
    markets[0]?.fail('submitJob', ...faults)
    const { market } = await clientOf(markets).submitJob(noopSpec(1))
    expect(market).toBe(markets[0]?.url)
    expect(jobsOf(markets)).toEqual([1, 0])
    const keys = markets[0]?.seen
      .filter(({ name }) => name === 'submitJob')
      .map(({ headers }) => headers['idempotency-key'])
    expect(new Set(keys).size).toBe(1)
  })

  test('and where that market never comes back, the id that it would have there is said, and nobody else is asked', async () => {
    const markets = await start({ priceNanoUsd: 5n }, { priceNanoUsd: 9n })
    markets[0]?.fail('submitJob', ...Array<{ type: 'lose' }>(10_000).fill({ type: 'lose' }))
    const error = await failure(clientOf(markets).submitJob(noopSpec(1)))
    expect(error).toMatchObject({
      code: 'unavailable',
      facts: { outcome: 'unknown', market: markets[0]?.url },
      fault: 'network',
    })
    expect(jobsOf(markets)).toEqual([1, 0])
    expect([...(markets[0]?.network.jobs.keys() ?? [])]).toEqual([error.facts['job']])
    expect(markets[1]?.calls).toEqual(['match'])
  })

  test('whoever cancels meanwhile hears that it may be there', async () => {
    const markets = await start({})
    markets[0]?.fail('submitJob', ...Array<{ type: 'lose' }>(10_000).fill({ type: 'lose' }))
    const controller = new AbortController()
    const submitted = clientOf(markets, { patienceMs: 60_000 }).submitJob(noopSpec(1), { signal: controller.signal })
    const poll = setInterval(() => {
      if ((markets[0]?.network.jobs.size ?? 0) > 0) controller.abort()
    }, 1)
    const error = await failure(submitted)
    clearInterval(poll)
    expect(error.facts).toMatchObject({ outcome: 'unknown' })
  })
})

describe('jobs of several markets', () => {
  test('are listed together, newest first, with their market, and with the markets that did not say', async () => {
    const markets = await start({}, {}, {})
    const muster = clientOf(markets)
    for (const { url } of markets) await muster.at(url).submitJob(noopSpec(1))
    await markets[2]?.close()
    const { jobs, missing } = await muster.listJobs()
    expect(new Set(jobs.map(({ market }) => market))).toEqual(new Set([markets[0]?.url, markets[1]?.url]))
    expect(missing).toMatchObject([{ market: markets[2]?.url, problem: { code: 'unavailable' } }])
    expect((await muster.listJobs({ limit: 1 })).jobs).toHaveLength(1)
  })

  test('are found by their id alone', async () => {
    const markets = await start({}, {})
    const muster = clientOf(markets)
    const second = markets[1]
    if (second === undefined) throw new Error('no market')
    const { id } = await muster.at(second.url).submitJob(noopSpec(2))
    const fresh = clientOf(markets)
    expect((await fresh.getJob(id)).id).toBe(id)
    expect(await Array.fromAsync(fresh.listTasks(id))).toHaveLength(2)
    expect(await Array.fromAsync(fresh.watchJob(id))).not.toEqual([])
    expect((await fresh.waitForJob(id)).outcome).toBe('succeeded')
    expect((await fresh.marketOf(id)).url).toBe(second.url)
    expect(await failure(fresh.getJob(newId(systemWorld, 'job')))).toMatchObject({ code: 'not_found' })
    await second.close()
    expect(await failure(clientOf(markets).getJob(id))).toMatchObject({
      code: 'unavailable',
      facts: { unreachable: [second.url] },
    })
  })

  test('run to their end with the market of each task', async () => {
    const markets = await start({ priceNanoUsd: 9n }, { priceNanoUsd: 5n })
    const tasks = await Array.fromAsync(clientOf(markets).runTasks(noopSpec(3)))
    expect(tasks.map(({ index, market }) => [index, market])).toEqual(
      [0, 1, 2].map((index) => [index, markets[1]?.url]),
    )
  })

  test('go on at another market where theirs is lost and that is asked for, each task once', async () => {
    const markets = await start({ priceNanoUsd: 5n, runsAtOnce: false }, { priceNanoUsd: 9n })
    const found: number[] = []
    const passed: string[] = []
    const homes: string[] = []
    for await (const { index, market } of clientOf(markets).runTasks(noopSpec(3), {
      whenLost: 'resubmit',
      lostAfterMs: 20,
      onSubmit: ({ market }) => {
        homes.push(market)
        if (market === markets[0]?.url) void markets[0].close()
      },
      onPassedOver: (market) => passed.push(market),
    })) {
      found.push(index)
      expect(market).toBe(markets[1]?.url)
    }
    expect(found).toEqual([0, 1, 2])
    expect(homes).toEqual(markets.map(({ url }) => url))
    expect(passed).toEqual([markets[0]?.url])
  })

  test('fail where theirs is lost and nothing is said of it', async () => {
    const markets = await start({ priceNanoUsd: 5n, runsAtOnce: false }, { priceNanoUsd: 9n })
    const tasks = clientOf(markets).runTasks(noopSpec(3), {
      lostAfterMs: 20,
      onSubmit: () => void markets[0]?.close(),
    })
    expect(await failure(Array.fromAsync(tasks))).toMatchObject({ code: 'unavailable' })
    expect(jobsOf(markets)).toEqual([1, 0])
  })
})

test('a client of no market, or of one market twice, is none', () => {
  expect(() => createMuster({ markets: [] })).toThrow('at least one market')
  const twice = { url: 'http://127.0.0.1:1' }
  expect(() => createMuster({ markets: [twice, { url: 'http://127.0.0.1:1/' }] })).toThrow('each only once')
})
