import { checkStatement, createSigner, nobleSecp256k1, type Statement } from '@muster/protocol'
import { afterEach, expect, test } from 'vitest'
import { createMuster } from '../client/create-muster.ts'
import { startFakeMarket, type FakeMarket } from '../fake/fake-market.ts'

const signer = createSigner(nobleSecp256k1, new Uint8Array(32).fill(7))
const statement: Statement = {
  market: signer.address,
  chainId: 1,
  provider: signer.address,
  from: 1,
  to: 9,
  opening: 5n,
  closing: 5n,
  lines: [],
  entries: [],
}

let market: FakeMarket
afterEach(() => market.close())

test('a statement is asked for with the provider’s key, and can be checked', async () => {
  market = await startFakeMarket({ statement })
  const muster = createMuster({ url: market.url })
  const found = await muster.statement(signer, { from: 1, to: 9 })
  expect(found).toEqual(statement)
  expect(checkStatement(found).faults).toEqual([])
  expect(market.calls).toEqual(['statementChallenge', 'statement'])
})

test.each([
  ['address', { market: signer.address }],
  ['chain id', { chainId: 999 }],
])('nothing is signed for a market with another %s than the one trusted', async (_, trusted) => {
  market = await startFakeMarket({ statement })
  const muster = createMuster({ url: market.url, ...trusted })
  await expect(muster.statement(signer, { from: 1, to: 9 })).rejects.toMatchObject({
    code: 'signature_invalid',
    fault: 'market',
  })
  expect(market.calls).not.toContain('statement')
})
