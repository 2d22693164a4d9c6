import { earningsAccount, feeOf, feesAccount, receiptBundleSchema, tenantAccount } from '@muster/protocol'
import { expect, test } from 'vitest'
import { noopSpec, rehearse } from '../rehearsal/rehearse.ts'

test.each([0, 1, 250, 10_000])(
  'of %i basis points of each payment the market keeps its fee',
  async (feeBasisPoints) => {
    const stage = await rehearse({ market: { feeBasisPoints } })
    const agent = await stage.agent({ key: 1, slots: 3, nanoUsd: 777n })
    const tenant = await stage.tenant(100_000n)
    const { id } = await tenant.submit(noopSpec(7, { slots: 3 }))
    await stage.closed(tenant, id)
    await stage.audit(id)
    const paid = 7n * 777n
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(100_000n - paid)
    const entries = await stage.store().ledger.list({ account: earningsAccount(agent.address), limit: 99 })
    let due = 0n
    for (const { legs } of entries) {
      const batch = legs.reduce((sum, { amount }) => (amount < 0n ? sum - amount : sum), 0n)
      due += feeOf(batch, feeBasisPoints)
    }
    expect(await stage.balance(feesAccount)).toBe(due)
    expect(await stage.balance(earningsAccount(agent.address))).toBe(paid - due)
    const { receipts } = (await (await tenant.request('GET', `/v1/jobs/${id}/receipts`)).json()) as {
      receipts: unknown[]
    }
    const bundles = receipts.map((each) => receiptBundleSchema.parse(each))
    expect(bundles.reduce((sum, { fee }) => sum + (fee ?? 0n), 0n)).toBe(due)
    expect(bundles.every(({ entry }) => entries.some((each) => each.id === entry))).toBe(true)
    const market = (await (await tenant.request('GET', '/v1/market')).json()) as { feeBasisPoints: number }
    expect(market.feeBasisPoints).toBe(feeBasisPoints)
  },
)
