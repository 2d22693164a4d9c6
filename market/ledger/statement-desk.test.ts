import {
  checkStatement,
  createSigner,
  loadSecp256k1,
  signRecord,
  statementSchema,
  toJson,
  type Signer,
  type Statement,
  type StatementRequest,
} from '@muster/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { noopSpec, problemOf, rehearse } from '../rehearsal/rehearse.ts'
import type { ReceiptBatch } from '../store/store.ts'

const secp256k1 = await loadSecp256k1()
const stranger = createSigner(secp256k1, new Uint8Array(32).fill(0x77))

/** Two jobs an hour apart on one agent, at a market that keeps 1 %. */
const setUp = async () => {
  const stage = await rehearse({ market: { feeBasisPoints: 100 } })
  const agent = await stage.agent({ key: 1, slots: 4, nanoUsd: 777n })
  const tenant = await stage.tenant()
  const startedAt = stage.world.now()
  const run = async (tasks: number) => stage.closed(tenant, (await tenant.submit(noopSpec(tasks))).id)
  await run(6)
  const halfway = stage.world.now() + 1
  await stage.world.advance(3_600_000)
  agent.publish()
  await run(5)
  await stage.world.advance(1_000)
  const post = (path: string, body: unknown) =>
    Promise.resolve(
      stage.app().request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: toJson(body),
      }),
    )
  const { domain } = stage.market()
  const challenge = async (signer: Signer) =>
    ((await (await post('/v1/provider/challenge', { provider: signer.address })).json()) as StatementRequest).challenge
  const ask = async (signer: Signer, change: Partial<StatementRequest> = {}, by = signer) => {
    const record: StatementRequest = {
      kind: 'statement',
      market: domain.market,
      provider: signer.address,
      challenge: change.challenge ?? (await challenge(signer)),
      from: startedAt,
      to: stage.world.now(),
      ...change,
    }
    return post('/v1/provider/statement', { request: signRecord(by, domain, record) })
  }
  const statement = async (change: Partial<StatementRequest> = {}): Promise<Statement> =>
    statementSchema.parse(await (await ask(agent.signer, change)).json())
  return { stage, agent, tenant, startedAt, halfway, ask, statement, challenge, post }
}

describe('a statement', () => {
  test('names every receipt of the period and adds up with the ledger', async () => {
    const { statement, stage, agent } = await setUp()
    const whole = await statement()
    expect(whole.lines).toHaveLength(11)
    const { totals, faults } = checkStatement(whole)
    expect(faults).toEqual([])
    expect(totals.amount).toBe(11n * 777n)
    expect(whole).toMatchObject({ opening: 0n, closing: totals.earned, provider: agent.address })
    const { earnings } = (await (await stage.app().request(`/v1/providers/${agent.address}`)).json()) as {
      earnings: string
    }
    expect(whole.closing).toBe(BigInt(earnings))
  })

  test('of two periods, one after the other, is the statement of both', async () => {
    const { statement, halfway, startedAt } = await setUp()
    const [first, second, both] = [
      await statement({ to: halfway }),
      await statement({ from: halfway }),
      await statement({ from: startedAt }),
    ]
    expect([first.lines.length, second.lines.length]).toEqual([6, 5])
    expect([...first.lines, ...second.lines]).toEqual(both.lines)
    expect(second.opening).toBe(first.closing)
    expect(second.closing).toBe(both.closing)
    for (const each of [first, second]) expect(checkStatement(each).faults).toEqual([])
  })

  test('shows a refund as a line of its own', async () => {
    const { statement, stage } = await setUp()
    const before = await statement()
    const receipt = before.lines[0]?.receipt
    await stage.admin('POST', '/v1/admin/refunds', { of: { type: 'receipt', receipt }, reason: 'blank pages' })
    await stage.world.advance(1_000)
    const after = await statement()
    expect(after.lines.at(-1)).toMatchObject({ reverses: receipt, amount: -777n })
    expect(checkStatement(after).faults).toEqual([])
    expect(after.closing).toBe(before.closing - 777n + (before.lines[0]?.fee ?? 0n))
  })

  test('that is off by one receipt says so', async () => {
    const stage = await rehearse({
      wrapStore: (store) => ({
        ...store,
        receipts: {
          ...store.receipts,
          batches: async (query): Promise<readonly ReceiptBatch[]> => (await store.receipts.batches(query)).slice(1),
        },
      }),
    })
    const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 777n })
    const tenant = await stage.tenant()
    const { domain } = stage.market()
    await stage.closed(tenant, (await tenant.submit(noopSpec(3))).id)
    await stage.world.advance(1_000)
    const asked = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const { challenge } = (await (
      await stage.app().request('/v1/provider/challenge', { ...asked, body: toJson({ provider: agent.address }) })
    ).json()) as StatementRequest
    const { market } = domain
    const record = {
      kind: 'statement',
      market,
      provider: agent.address,
      challenge,
      from: 1,
      to: stage.world.now(),
    } as const
    const request = signRecord(agent.signer, domain, record)
    const answer = await stage.app().request('/v1/provider/statement', { ...asked, body: toJson({ request }) })
    const statement = statementSchema.parse(await answer.json())
    expect(statement.lines).toHaveLength(2)
    expect(checkStatement(statement).faults).toEqual([
      expect.stringMatching(/^The payment ent_\w+ moved \$0\.000000777, but its receipts less fees come to \$0\.00\.$/),
    ])
  })

  test.each([
    ['is signed with another key', {}, stranger, 'signature_invalid'],
    ['is for another market', { market: stranger.address }, undefined, 'signature_invalid'],
    ['answers a challenge of nobody', { challenge: `0x${'00'.repeat(32)}` as const }, undefined, 'signature_invalid'],
    ['is of a period that ends before it begins', { from: 5, to: 4 }, undefined, 'request_invalid'],
    ['is of a time to come', { from: 2 ** 47, to: 2 ** 48 - 1 }, undefined, 'request_invalid'],
  ])('is refused where the request %s', async (_, change, by, code) => {
    const { ask, agent } = await setUp()
    expect(await problemOf(await ask(agent.signer, change, by ?? agent.signer))).toMatchObject({ code })
  })

  test('a challenge is answered once, by whom it was given to, and not for long', async () => {
    const { ask, agent, challenge, stage } = await setUp()
    const used = { challenge: await challenge(agent.signer) }
    expect((await ask(agent.signer, used)).status).toBe(200)
    expect(await problemOf(await ask(agent.signer, used))).toMatchObject({ code: 'signature_invalid' })
    const others = { challenge: await challenge(stranger) }
    expect(await problemOf(await ask(agent.signer, others))).toMatchObject({ code: 'signature_invalid' })
    const old = { challenge: await challenge(agent.signer) }
    await stage.world.advance(31_000)
    expect(await problemOf(await ask(agent.signer, old))).toMatchObject({ code: 'record_expired' })
  })

  test('is written once at a time for a provider', async () => {
    const { ask, agent } = await setUp()
    const answers = await Promise.all([ask(agent.signer), ask(agent.signer), ask(stranger)])
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 200])
    expect((await ask(agent.signer)).status).toBe(200)
  })

  test('of somebody who never earned anything is empty, and adds up', async () => {
    const { ask } = await setUp()
    const empty = statementSchema.parse(await (await ask(stranger)).json())
    expect(empty).toMatchObject({ opening: 0n, closing: 0n, lines: [], entries: [] })
    expect(checkStatement(empty).faults).toEqual([])
  })

  test('whatever a stranger sends is refused as such', async () => {
    const { post } = await setUp()
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        for (const body of [value, { request: value }, { request: { record: value, signature: value } }]) {
          const response = await post('/v1/provider/statement', body)
          expect(response.status).toBe(400)
        }
      }),
      { numRuns: 40 },
    )
  })
})
