import { linkCalls, marketMessageSchema, MusterError, type LinkRequest, type MarketMessage } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outputsOf } from '../../protocol/arbitrary/arbitrary-of.ts'
import { setStage } from '../../agent/stage/stage-agent.ts'

const told = outputsOf(marketMessageSchema).filter(
  ({ type }) => type === 'bid-acknowledged' || type === 'auction-over' || type === 'transcript',
)

type Step =
  | { readonly solicit: LinkRequest<'solicit'> }
  | { readonly ours: LinkRequest<'solicit'>['auction'] }
  | { readonly reveal: LinkRequest<'reveal'> }
  | { readonly told: MarketMessage }

const solicitation = outputsOf(linkCalls.solicit.request)
const step: fc.Arbitrary<Step> = fc.oneof(
  solicitation.map((solicit) => ({ solicit })),
  solicitation.map(({ auction }) => ({ ours: auction })),
  outputsOf(linkCalls.reveal.request).map((reveal) => ({ reveal })),
  told.map((message) => ({ told: message })),
)

test('whatever a market asks and says of auctions, the agent answers or refuses, sells nothing twice, and has all back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const { market, world, agent } = await setStage()
      const [offer] = market.offers()
      if (offer === undefined) throw new Error('no offer')
      const call = async (asked: () => Promise<unknown>) => {
        const error = await asked().then(
          () => undefined,
          (cause: unknown) => cause,
        )
        if (error !== undefined) expect(error).toBeInstanceOf(MusterError)
      }
      for (const each of steps) {
        if ('solicit' in each) await call(() => market.handlers().onCall('solicit', each.solicit))
        else if ('reveal' in each) await call(() => market.handlers().onCall('reveal', each.reveal))
        else if ('told' in each) market.send(each.told)
        else {
          const order = market.order({ auction: { windowMs: 200, pricing: 'pay-as-bid' } })
          const request = { auction: each.ours, order, offer: offer.record.id, slots: 1, windowMs: 200, holdMs: 5_000 }
          await call(() => market.handlers().onCall('solicit', { ...request, closesAt: world.now() + 200 }))
        }
        await world.settle()
        expect(agent().status().free.cpuMilli).toBeGreaterThanOrEqual(0)
      }
      await world.pass(130_000)
      expect(agent().status()).toMatchObject({ lifecycle: 'running', reservations: 0, free: { cpuMilli: 4000 } })
      await agent().stop()
    }),
    { numRuns: 30 },
  )
})
