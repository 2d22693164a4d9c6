import { fakeApiKey, startFakeMarket, type FakeMarket } from '@muster/sdk/fake'
import {
  describeRecord,
  emptyRecord,
  machineStanding,
  observe,
  toJson,
  type Address,
  type BenchmarkEntry,
  type Observation,
  type ProviderRecordView,
} from '@muster/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'

const provider = `0x${'12'.repeat(20)}` as Address
let market: FakeMarket
let shell: TestShell
beforeEach(async () => {
  market = await startFakeMarket()
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
})
afterEach(async () => {
  await market.close()
  await shell.close()
})

const seen: Observation = {
  id: 'lse_1',
  provider,
  at: Date.now() - 60_000,
  program: 'noop',
  honoured: 1,
  refused: 0,
  exposureMs: 7_200_000,
  outages: 1,
  succeeded: 40,
  failed: 2,
  matched: 0,
  mismatched: 0,
  durationMs: 1_500,
  startMs: null,
  durationFactor: 3,
  startFactor: null,
}

const answerRecord = (
  observations: readonly Observation[],
  more: Partial<Pick<ProviderRecordView, 'benchmarks' | 'machine'>> = {},
) => {
  const now = Date.now()
  const record = observations.reduce((before, each) => observe(before, each, now), emptyRecord)
  market.fail('providerRecord', {
    type: 'answer',
    status: 200,
    body: toJson({
      provider,
      linked: true,
      firstSeenAt: now - 86_400_000,
      lastSeenAt: now,
      computedAt: now,
      credibility: 0.9,
      observations: observations.length,
      mostObservations: 200,
      figures: describeRecord(record, now),
      newest: observations,
      ...more,
    }),
  })
}

describe('provider show', () => {
  test('names every figure, what it rests on, and how it was computed', async () => {
    answerRecord([seen])
    const { status, out } = await shell.run(['provider', 'show', provider])
    expect(status).toBe(0)
    for (const text of [
      provider,
      'refuses',
      'disappears',
      'succeeds',
      'start-up',
      'duration',
      'mismatches',
      '9.1 %',
      '1 outage, 60 hours',
      'disappeared',
      '3.00 ×',
      'beta-binomial',
      'docs/spec/records-of-providers.md',
    ]) {
      expect(out).toContain(text)
    }
    answerRecord([seen])
    expect((await shell.run(['provider', 'show', provider, '--json'])).json()).toMatchObject({
      provider,
      observations: 1,
    })
  })

  test('refuses what is no address', async () => {
    const { status, err } = await shell.run(['provider', 'show', 'nobody'])
    expect(status).toBe(2)
    expect(err).toContain('This is not the address of a provider: expected 0x and 40 hexadecimal digits.')
    expect(market.calls).toEqual([])
  })

  test('says so where nothing was seen', async () => {
    answerRecord([])
    expect((await shell.run(['provider', 'show', provider])).out).toContain('the figures of an unknown machine')
  })
})

describe('what a machine showed', () => {
  const entry = (outcome: BenchmarkEntry['outcome'], change: Partial<BenchmarkEntry> = {}): BenchmarkEntry => ({
    id: 'a',
    provider,
    at: Date.now() - 60_000,
    outcome,
    reason: '',
    execSpec: '',
    figures: {
      gflops: 4.004,
      claimedGflops: 5,
      downMbps: 250,
      upMbps: 40.25,
      memoryMBps: 14_000,
      diskWriteMBps: 900,
      diskReadMBps: 2_000,
      mismatches: ['Conv 1x1'],
      gpus: [],
    },
    soldGflops: 9,
    answers: [],
    ...change,
  })

  test('is on its page: what counts, what was sold, whether it reproduces, and every challenge', async () => {
    const benchmarks = [
      entry('refused', { figures: null, reason: 'It will not.' }),
      entry('measured'),
      entry('measured'),
    ]
    answerRecord([], { benchmarks, machine: machineStanding(benchmarks) ?? null })
    const { out } = await shell.run(['provider', 'show', provider])
    for (const text of [
      '4 GFLOP/s a slot: slower than sold (sold as 9)',
      'no: it gets no graph work that asks for reproducible machines',
      'last challenge',
      'refused: It will not.',
      'differs in Conv 1x1',
      '40.3',
      'docs/spec/benchmark.md',
    ]) {
      expect(out).toContain(text)
    }
  })

  test('is nothing where nobody asked', async () => {
    answerRecord([])
    expect((await shell.run(['provider', 'show', provider])).out).toContain('never measured')
  })
})

describe('provider list', () => {
  test('shows what to expect of each, and how to go on', async () => {
    const line = {
      provider,
      linked: false,
      lastSeenAt: Date.now() - 90_000,
      observations: 3,
      gflops: 9.134,
      reproduces: false,
    }
    const figures = { refusal: 0.1, hazardPerHour: 1 / 60, success: 0.944, startFactor: 1.25, durationFactor: 1 }
    market.fail('listProviders', {
      type: 'answer',
      status: 200,
      body: toJson({ providers: [{ ...line, ...figures }] }),
    })
    const { status, out } = await shell.run(['provider', 'list', '--limit', '1'])
    expect(status).toBe(0)
    for (const text of [provider, '10.0 %', '0.017 / h', '94.4 %', '1.25 ×', '9.13', `--after ${provider}`]) {
      expect(out).toContain(text)
    }
  })

  test('says so where there is none', async () => {
    market.fail('listProviders', { type: 'answer', status: 200, body: toJson({ providers: [] }) })
    expect((await shell.run(['provider', 'list'])).out).toBe('No provider was ever linked to this market.\n')
  })
})
