import { execSpecDigest, pinnedVector } from '@muster/graph'
import {
  cidOf,
  createVerifier,
  digestOf,
  loadSecp256k1,
  MusterError,
  networkProof,
  signRecord,
  sleep,
  toHex,
  type BenchmarkChallenge,
  type BenchmarkWork,
  type Digest,
  type LogLevel,
  type SignedBenchmarkResult,
  type World,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { leaseSlots } from '../stage/lease-slots.ts'
import { setStage, stageSigner, type Stage, type StageOptions } from '../stage/stage-agent.ts'
import type { Bench } from './bench.ts'

const secp256k1 = await loadSecp256k1()
const verifier = createVerifier(secp256k1)
const digests = pinnedVector.outputs.map(({ digest }) => digest as Digest)
const tookMs = 2_000
const compute: BenchmarkWork = { part: 'compute', width: 32, layers: 2, columns: 4 }

/** A bench whose measurements take their time and end when they are told to. */
const stageBench = (ended: string[], vector: readonly Digest[] = digests): Bench & { world: World | undefined } => {
  const bench: Bench & { world: World | undefined } = {
    world: undefined,
    vector: async (signal) => {
      await run('vector', signal, 100)
      return vector
    },
    compute: async (seed, _, signal) => {
      await run('compute', signal, tookMs)
      return { output: new TextEncoder().encode(seed), prepareUs: 1, runUs: 2 }
    },
    memory: async (signal) => {
      await run('memory', signal, 50)
      return { bytes: 1, tookUs: 1 }
    },
    disk: async () => ({ bytes: 1, writeUs: 1, readUs: 1 }),
    gpus: async () => [],
  }
  const run = async (what: string, signal: AbortSignal, ms: number): Promise<void> => {
    if (bench.world === undefined) return
    await sleep(bench.world, ms, signal).catch((error: unknown) => {
      ended.push(what)
      throw error
    })
  }
  return bench
}

const setBench = async (options: StageOptions = {}, vector?: readonly Digest[]) => {
  const ended: string[] = []
  const logged: string[] = []
  const note = (level: LogLevel) => (message: string) => void logged.push(`${level}: ${message}`)
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  const bench = stageBench(ended, vector)
  const stage = await setStage({ ...options, modules: { bench, log: log as never, ...options.modules } })
  bench.world = stage.world
  return { ...stage, ended, logged }
}

const challenge = (
  stage: Pick<Stage, 'world' | 'market' | 'agent'>,
  work: BenchmarkWork,
  change: Partial<BenchmarkChallenge> = {},
  by = 'market',
) =>
  signRecord(
    stageSigner(by),
    { chainId: 1, market: stage.market.address },
    {
      kind: 'benchmark-challenge' as const,
      market: stage.market.address,
      provider: stage.agent().provider,
      seed: toHex(stage.world.random(32)),
      work,
      issuedAt: stage.world.now(),
      expiresAt: stage.world.now() + 60_000,
      ...change,
    },
  )

const ask = (
  stage: Pick<Stage, 'world' | 'market' | 'agent'>,
  work: BenchmarkWork,
  change: Partial<BenchmarkChallenge> = {},
  by?: string,
) => {
  const signed = challenge(stage, work, change, by)
  const answer = stage.market.handlers().onCall('benchmark', { challenge: signed })
  return { signed, answer }
}

const settled = async (stage: Pick<Stage, 'world'>, answer: Promise<SignedBenchmarkResult>) => {
  const outcome = answer.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  )
  await stage.world.pass(3 * tookMs)
  return outcome
}

const readBlob = async (stage: Pick<Stage, 'market'>, bytes: AsyncIterable<Uint8Array>) => {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

describe('an agent with an idle slot', () => {
  test('answers each part under its signature', async () => {
    const stage = await setBench()
    const { signed, answer } = ask(stage, { part: 'machine' })
    const outcome = await settled(stage, answer)
    const { result } = outcome as { result: SignedBenchmarkResult }
    verifier.requireSigner({ chainId: 1, market: stage.market.address }, result, stage.agent().provider)
    expect(result.record).toMatchObject({
      kind: 'benchmark-result',
      market: stage.market.address,
      challenge: digestOf(signed.record),
      found: { part: 'machine', vector: digests },
    })
  })

  test('gives its market, and no other, the matrix it showed, for a minute', async () => {
    const stage = await setBench()
    const { signed, answer } = ask(stage, compute)
    await settled(stage, answer)
    const bytes = new TextEncoder().encode(signed.record.seed)
    expect((await answer).record.found).toMatchObject({ output: cidOf(bytes) })
    expect(await readBlob(stage, stage.market.handlers().onGetBlob(cidOf(bytes)))).toEqual(bytes)
    await stage.world.pass(61_000)
    await expect(readBlob(stage, stage.market.handlers().onGetBlob(cidOf(bytes)))).rejects.toMatchObject({
      code: 'blob_missing',
    })
  })

  test('proves that the market’s bytes arrived, and gives them back', async () => {
    const stage = await setBench()
    const bytes = stage.world.random(70_000)
    const { signed, answer } = ask(stage, { part: 'network', blob: cidOf(bytes), bytes: bytes.length })
    await stage.world.settle()
    expect(stage.market.messages.at(-1)).toEqual({ type: 'want', cid: cidOf(bytes) })
    await stage.market.put(bytes)
    expect((await answer).record.found).toEqual({ part: 'network', proof: networkProof(signed.record.seed, bytes) })
    expect(await readBlob(stage, stage.market.handlers().onGetBlob(cidOf(bytes)))).toEqual(bytes)
  })

  test.each([
    ['for another machine', { provider: stageSigner('other').address }, 'market', 'request_invalid'],
    ['from another market', { market: stageSigner('other').address }, 'market', 'request_invalid'],
    ['signed by somebody else', {}, 'other', 'signature_invalid'],
    ['that expired', { expiresAt: 1 }, 'market', 'record_expired'],
    [
      'for more than a benchmark may be',
      { work: { ...compute, width: 768, layers: 64, columns: 4096 } },
      'market',
      'request_invalid',
    ],
  ] as const)('refuses a challenge %s', async (_, change, by, code) => {
    const stage = await setBench()
    await expect(ask(stage, compute, change, by).answer).rejects.toMatchObject({ code })
  })
})

describe('work of tenants comes first', () => {
  test('a benchmark ends at once when the last idle slot is reserved', async () => {
    const stage = await setBench({ options: { maxSlots: 1 } })
    const outcome = ask(stage, compute).answer.catch((error: unknown) => error)
    await stage.world.settle()
    expect(stage.ended).toEqual([])
    await stage.market.reserve(stage.market.order())
    expect(await outcome).toMatchObject({ code: 'capacity_taken' })
    expect(stage.ended).toEqual(['compute'])
    await expect(ask(stage, compute).answer).rejects.toMatchObject({ code: 'capacity_taken' })
  })

  test('it goes on beside a lease that leaves a slot idle, one at a time', async () => {
    const stage = await setBench()
    const { answer } = ask(stage, compute)
    await stage.world.settle()
    await expect(ask(stage, compute).answer).rejects.toMatchObject({ code: 'capacity_taken' })
    await leaseSlots(stage, 2)
    expect(await settled(stage, answer)).toHaveProperty('result')
    expect(stage.ended).toEqual([])
  })

  test('it ends when the owner comes back, and when the agent stops', async () => {
    let load = 0
    const stage = await setBench({
      options: { owner: { busyShare: 0.25, sampleMs: 500, busySamples: 1, quietMs: 10_000 } },
      modules: { sampleLoad: async () => load },
    })
    const outcome = ask(stage, compute).answer.catch((error: unknown) => error)
    load = 1
    await stage.world.pass(1_500)
    expect(await outcome).toMatchObject({ code: 'capacity_taken' })
    const other = await setBench()
    const cut = ask(other, compute).answer.catch((error: unknown) => error)
    await other.world.settle()
    await other.agent().stop()
    expect(await cut).toBeInstanceOf(MusterError)
    expect(other.ended).toEqual(['compute'])
  })

  test('markets together get two minutes of an hour', async () => {
    const stage = await setBench()
    let answered = 0
    for (; answered < 100; answered++) {
      const outcome = await settled(stage, ask(stage, compute).answer)
      if ('error' in outcome) {
        expect(outcome.error).toMatchObject({ code: 'rate_limited' })
        break
      }
    }
    expect(answered).toBe(120_000 / tookMs)
    await stage.world.pass(3_600_000)
    expect(await settled(stage, ask(stage, compute).answer)).toHaveProperty('result')
  })
})

test('an agent whose owner allows none says so', async () => {
  const stage = await setStage()
  await expect(ask(stage, compute).answer).rejects.toMatchObject({
    code: 'forbidden',
    fault: 'provider',
    retry: 'never',
  })
})

describe('as it starts', () => {
  test('an agent tells whether its machine reproduces', async () => {
    const stage = await setBench()
    await stage.world.pass(1_000)
    expect(stage.logged).toContain('info: this machine reproduces the pinned outputs of its runtime')
    const wrong = await setBench({}, digests.with(3, `0x${'00'.repeat(32)}` as Digest))
    await wrong.world.pass(1_000)
    expect(wrong.logged.find((line) => line.startsWith('warn'))).toMatch('does not reproduce the pinned outputs')
  })

  test('a challenge that comes meanwhile waits for that', async () => {
    const stage = await setStage()
    await stage.agent().stop()
    const ended: string[] = []
    const bench = stageBench(ended)
    bench.world = stage.world
    const late = await setStage({ modules: { bench, world: stage.world } })
    const { answer } = ask(late, { part: 'machine' })
    expect(await settled(stage, answer)).toHaveProperty('result')
    expect(ended).toEqual([])
  })

  test('it states what a slot computes where the owner says', async () => {
    const stage = await setBench({ options: { gflops: 12 } })
    expect(stage.market.offers()[0]?.record.gflops).toBe(12)
    expect((await setBench()).market.offers()[0]?.record).not.toHaveProperty('gflops')
  })
})

test('the pins are of the exec spec that is sold', () => {
  expect(pinnedVector.execSpec).toBe(execSpecDigest)
})
