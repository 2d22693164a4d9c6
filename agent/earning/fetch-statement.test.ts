import { addressSchema, MusterError, statementChallengeRoute, toJson } from '@muster/protocol'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { stageSigner } from '../stage/stage-agent.ts'
import { fetchStatement } from './fetch-statement.ts'

const address = addressSchema.parse(`0x${'aa'.repeat(20)}`)
const other = addressSchema.parse(`0x${'bb'.repeat(20)}`)
const signer = stageSigner('agent')
const created = statementChallengeRoute.status
const challenge = (market = address, chainId = 1) =>
  toJson({ challenge: `0x${'66'.repeat(32)}`, market, chainId, at: 1 })

/** A market that answers what it is told to, in turn, and what it was sent. */
const startMarket = async (...answers: readonly (readonly [status: number, body: string])[]) => {
  const asked: string[] = []
  const left = [...answers]
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      asked.push(body)
      const [status, text] = left.shift() ?? [500, '']
      if (status === 0) request.socket.destroy()
      else response.writeHead(status).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    asked,
    fetch: (at = url) => fetchStatement({ url: at, address, ca: [] }, signer, { from: 0, to: 9, chainId: 1 }),
  }
}

const statement = toJson({
  market: address,
  chainId: 1,
  provider: signer.address,
  from: 0,
  to: 9,
  opening: 0n,
  closing: 0n,
  lines: [],
  entries: [],
})

test('a statement is asked for with a challenge that the provider signs', async () => {
  const market = await startMarket([created, challenge()], [200, statement])
  expect(await market.fetch()).toMatchObject({ provider: signer.address, closing: 0n })
  expect(market.asked).toHaveLength(2)
  expect(market.asked[1]).toContain('"signature"')
})

test.each([
  ['another market', challenge(other)],
  ['another network', challenge(address, 2)],
])('nothing is signed for %s', async (_, body) => {
  const market = await startMarket([created, body])
  await expect(market.fetch()).rejects.toMatchObject({ code: 'signature_invalid', fault: 'market' })
  expect(market.asked).toHaveLength(1)
})

test.each([
  ['a page', [created, '<html>']],
  ['nothing', [created, '']],
  ['another form', [created, '{"challenge": 1}']],
  ['an error without a reason', [502, 'bad gateway']],
  ['a broken connection', [0, '']],
] as const)('a market that answers with %s is said to be out of reach', async (_, answer) => {
  const first = await startMarket(answer)
  await expect(first.fetch()).rejects.toMatchObject({ code: 'unavailable' })
  const [status, body] = answer
  const second = await startMarket([created, challenge()], [status === created ? 200 : status, body])
  await expect(second.fetch()).rejects.toBeInstanceOf(MusterError)
})

test('what a market refuses it with is passed on', async () => {
  const problem = { code: 'request_invalid', message: 'Too many receipts.', facts: {}, fault: 'tenant', retry: 'never' }
  const market = await startMarket([created, challenge()], [400, toJson(problem)])
  await expect(market.fetch()).rejects.toMatchObject({ code: 'request_invalid', message: 'Too many receipts.' })
})

test('of several nodes the next is asked where one is gone', async () => {
  const market = await startMarket([created, challenge()], [200, statement])
  expect(await market.fetch(`http://127.0.0.1:9+${market.url}`)).toMatchObject({ market: address })
})
