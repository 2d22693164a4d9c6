import { createVerifier, linkCalls, loadSecp256k1, verifyTranscript } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outputsOf } from '../../protocol/arbitrary/arbitrary-of.ts'
import { noopSpec, rehearse } from '../../market/rehearsal/rehearse.ts'

const verifier = createVerifier(await loadSecp256k1())
const sealed = noopSpec(1, { slots: 1, auction: { windowMs: 200, pricing: 'second-price' } })

test('whatever a bidder seals and opens, an honest one wins, the transcript is right, and nothing is kept for the other', async () => {
  await fc.assert(
    fc.asyncProperty(
      outputsOf(linkCalls.solicit.response),
      outputsOf(linkCalls.reveal.response),
      fc.boolean(),
      fc.boolean(),
      async (answer, reveal, sealsHonestly, keepsSalt) => {
        const stage = await rehearse()
        const odd = await stage.agent({
          key: 1,
          slots: 1,
          nanoUsd: 1n,
          script: {
            solicit: (honest) => (sealsHonestly ? honest() : answer),
            reveal: (honest) => (keepsSalt ? { ...reveal, salt: honest().salt } : reveal),
          },
        })
        const good = await stage.agent({ key: 2, slots: 1, nanoUsd: 300n })
        const tenant = await stage.tenant()
        const { id } = await tenant.submit(sealed)
        expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded' })
        expect(good.starts).toHaveLength(1)
        const [summary] = await stage.store().auctions.ofJob(id, { limit: 9 })
        const transcript = summary === undefined ? undefined : await stage.store().auctions.get(summary.id)
        if (transcript === undefined) throw new Error('no transcript')
        const failed = verifyTranscript(verifier, stage.market().domain, transcript).filter(({ holds }) => !holds)
        expect(failed).toEqual([])
        await stage.world.advance(60_000)
        expect(stage.market().modules.supply.heldSlots(odd.address)).toBe(0)
        await stage.audit(id)
      },
    ),
    { numRuns: 25 },
  )
})
