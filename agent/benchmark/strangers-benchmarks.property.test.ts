import { linkCalls, MusterError, signRecord, toHex, type BenchmarkWork } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outputsOf } from '@muster/protocol/arbitrary'
import { setStage, stageSigner } from '../stage/stage-agent.ts'
import type { Bench } from './bench.ts'

const bench: Bench = {
  vector: async () => [],
  compute: async () => ({ output: new Uint8Array(3), prepareUs: 0, runUs: 0 }),
  memory: async () => ({ bytes: 0, tookUs: 0 }),
  disk: async () => ({ bytes: 0, writeUs: 0, readUs: 0 }),
  gpus: async () => [],
}

test('whatever a market asks of a machine, signed or not, the agent answers or refuses, and goes on selling', async () => {
  const request = outputsOf(linkCalls.benchmark.request)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(request, fc.boolean()), { minLength: 1, maxLength: 8 }), async (asked) => {
      const { market, world, agent } = await setStage({ modules: { bench } })
      const ours = (work: BenchmarkWork) => ({
        challenge: signRecord(
          stageSigner('market'),
          { chainId: 1, market: market.address },
          {
            kind: 'benchmark-challenge' as const,
            market: market.address,
            provider: agent().provider,
            seed: toHex(world.random(32)),
            work,
            issuedAt: world.now(),
            expiresAt: world.now() + 60_000,
          },
        ),
      })
      const answers = asked.map(([each, isOurs]) => {
        const said = market.handlers().onCall('benchmark', isOurs ? ours(each.challenge.record.work) : each)
        return said.then(
          ({ record }) => expect(record.found.part).toBe(each.challenge.record.work.part),
          (error: unknown) => expect(error).toBeInstanceOf(MusterError),
        )
      })
      await world.pass(130_000)
      await Promise.all(answers)
      expect(agent().status()).toMatchObject({ lifecycle: 'running', free: { cpuMilli: 4000 } })
      await market.reserve(market.order())
      await agent().stop()
    }),
    { numRuns: 30 },
  )
})
