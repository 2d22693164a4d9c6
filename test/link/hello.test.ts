import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import {
  decodeProblem,
  encodeCanonical,
  helloHeader,
  linkPath,
  linkProtocol,
  MusterError,
  signRecord,
  systemWorld,
  type AgentHandlers,
  type LinkHello,
  type PeerHandlers,
  type Signer,
} from '@muster/protocol'
import { selfSigned } from './self-signed.ts'
import {
  chainId,
  newSigner,
  socketAgent,
  startMarket,
  type MarketFixture,
  type MarketFixtureOptions,
} from './socket-fixture.ts'

const nobody: PeerHandlers = { onOpen: () => {}, onMessage: () => {}, onClose: () => {} }
const agentHandlers: AgentHandlers = {
  onCall: () => Promise.reject(new Error('not called')),
  onMessage: () => {},
  onPutBlob: () => Promise.resolve(),
  onGetBlob: async function* () {},
}

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const start = async (options: Partial<MarketFixtureOptions> = {}): Promise<MarketFixture> => {
  const market = await startMarket({ handlers: nobody, ...options })
  stops.push(market.stop)
  return market
}

const helloFor = (market: MarketFixture, signer: Signer, changes: Partial<LinkHello> = {}): LinkHello => ({
  kind: 'link',
  market: market.market,
  provider: signer.address,
  challenge: market.links.issueChallenge(signer.address).challenge,
  socket: 'control',
  epoch: 1,
  tlsBinding: '',
  at: systemWorld.now(),
  ...changes,
})

const headerOf = (market: MarketFixture, signer: Signer, hello: LinkHello, chain = chainId): string =>
  Buffer.from(encodeCanonical(signRecord(signer, { chainId: chain, market: market.market }, hello))).toString(
    'base64url',
  )

type Outcome =
  | { readonly status: 101; readonly socket: Socket }
  | { readonly status: number; readonly error: MusterError }

const upgrade = (market: MarketFixture, headers: Record<string, string>, tls?: { cert: string }): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const options = {
      port: market.port,
      host: '127.0.0.1',
      path: linkPath,
      headers: { connection: 'Upgrade', upgrade: linkProtocol, ...headers },
      agent: false as const,
    }
    const request = tls === undefined ? httpRequest(options) : httpsRequest({ ...options, ca: [tls.cert] })
    request.on('error', reject)
    request.on('upgrade', (_response, socket) => {
      stops.push(async () => void socket.destroy())
      resolve({ status: 101, socket })
    })
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const status = response.statusCode ?? 0
        resolve({ status, error: decodeProblem(status, Buffer.concat(chunks)) })
      })
    })
    request.end()
  })

const say = (market: MarketFixture, header: string) => upgrade(market, { [helloHeader]: header })
const codeOf = (outcome: Outcome): string => ('error' in outcome ? outcome.error.code : 'linked')

test('a good hello is let in, and its challenge with it is used up', async () => {
  const market = await start()
  const signer = newSigner()
  const hello = helloFor(market, signer)
  expect(codeOf(await say(market, headerOf(market, signer, hello)))).toBe('linked')
  const again = headerOf(market, signer, { ...hello, epoch: 2 })
  expect(await say(market, again)).toMatchObject({ error: { code: 'signature_invalid', message: /used before/ } })
})

test.each<[string, string, (market: MarketFixture, signer: Signer) => string]>([
  ['another key', 'signature_invalid', (market, signer) => headerOf(market, newSigner(), helloFor(market, signer))],
  ['another chain', 'signature_invalid', (market, signer) => headerOf(market, signer, helloFor(market, signer), 1)],
  [
    'another market',
    'signature_invalid',
    (market, signer) => headerOf(market, signer, helloFor(market, signer, { market: newSigner().address })),
  ],
  [
    "another provider's challenge",
    'signature_invalid',
    (market, signer) =>
      headerOf(market, signer, helloFor(market, signer, { challenge: helloFor(market, newSigner()).challenge })),
  ],
  [
    'a TLS session that is not there',
    'signature_invalid',
    (market, signer) => headerOf(market, signer, helloFor(market, signer, { tlsBinding: `0x${'11'.repeat(32)}` })),
  ],
  [
    'a clock two minutes ahead',
    'clock_skewed',
    (market, signer) => headerOf(market, signer, helloFor(market, signer, { at: systemWorld.now() + 120_000 })),
  ],
  [
    'a data socket without control',
    'link_superseded',
    (market, signer) => headerOf(market, signer, helloFor(market, signer, { socket: 'data' })),
  ],
  ['no base64url', 'request_invalid', () => 'a b+c'],
  ['too much', 'request_invalid', () => 'A'.repeat(8000)],
  ['CBOR of something else', 'request_invalid', () => Buffer.from(encodeCanonical({ a: 1 })).toString('base64url')],
  ['no CBOR', 'record_invalid', () => Buffer.from([255, 254, 0]).toString('base64url')],
])('a hello with %s is refused with %s', async (_, code, make) => {
  const market = await start()
  const outcome = await say(market, make(market, newSigner()))
  expect(codeOf(outcome)).toBe(code)
  expect(market.links.linkCount).toBe(0)
  expect(market.log).toMatchObject([{ message: 'An agent was refused a link.', facts: { code } }])
})

test('a skewed clock is told by how much and which way', async () => {
  const market = await start()
  const signer = newSigner()
  const outcome = await say(
    market,
    headerOf(market, signer, helloFor(market, signer, { at: systemWorld.now() - 120_000 })),
  )
  expect(outcome).toMatchObject({ error: { message: expect.stringMatching(/1(19|20|21) s behind the market's/) } })
})

test('an upgrade without a hello, or to another protocol, is refused', async () => {
  const market = await start()
  expect(codeOf(await upgrade(market, {}))).toBe('request_invalid')
  expect(codeOf(await upgrade(market, { upgrade: 'websocket' }))).toBe('request_invalid')
})

test('the status of a refusal comes from the map of errors to HTTP', async () => {
  const market = await start({ modules: { statusOf: (code) => (code === 'request_invalid' ? 400 : 500) } })
  expect((await upgrade(market, {})).status).toBe(400)
})

test('what the market knows about epochs is told, and what fails inside it is not', async () => {
  const forbidden = new MusterError({ code: 'forbidden', message: 'This provider is banned.' })
  const answers: (() => Promise<boolean>)[] = [
    () => Promise.reject(forbidden),
    () => Promise.reject(new Error('secret of the database')),
    () => Promise.resolve(false),
  ]
  const market = await start({ modules: { acceptEpoch: () => (answers.shift() ?? (() => Promise.resolve(true)))() } })
  const signer = newSigner()
  const outcomes: Outcome[] = []
  for (let i = 0; i < 3; i++) outcomes.push(await say(market, headerOf(market, signer, helloFor(market, signer))))
  expect(outcomes.map(codeOf)).toEqual(['forbidden', 'internal', 'link_superseded'])
  expect(JSON.stringify(outcomes)).not.toContain('secret')
})

test('of two control sockets under way at once the newer epoch stays', async () => {
  const gates: (() => void)[] = []
  const market = await start({
    modules: { acceptEpoch: () => new Promise((resolve) => gates.push(() => resolve(true))) },
  })
  const signer = newSigner()
  const older = say(market, headerOf(market, signer, helloFor(market, signer, { epoch: 1 })))
  const newer = say(market, headerOf(market, signer, helloFor(market, signer, { epoch: 2 })))
  while (gates.length < 2) await new Promise((resolve) => setTimeout(resolve, 2))
  gates[1]?.()
  const outcomes = [await newer]
  gates[0]?.()
  outcomes.push(await older)
  expect(outcomes.map(codeOf).toSorted()).toEqual(['link_superseded', 'linked'])
})

test('a data socket joins the control socket of its own epoch only', async () => {
  const market = await start()
  const signer = newSigner()
  const open = (socket: LinkHello['socket'], epoch: number) =>
    say(market, headerOf(market, signer, helloFor(market, signer, { socket, epoch })))
  expect(codeOf(await open('control', 5))).toBe('linked')
  expect(codeOf(await open('data', 4))).toBe('link_superseded')
  expect(codeOf(await open('data', 6))).toBe('link_superseded')
  expect(codeOf(await open('data', 5))).toBe('linked')
  expect(codeOf(await open('data', 5))).toBe('link_superseded')
})

test('an agent that opens no data socket does not keep its place', async () => {
  const market = await start({ limits: { handshakeMs: 50, closeMs: 50 } })
  const signer = newSigner()
  const outcome = await say(market, headerOf(market, signer, helloFor(market, signer)))
  if (!('socket' in outcome)) throw new Error('refused')
  await new Promise((resolve) => outcome.socket.on('close', resolve).resume())
  expect(market.links.linkCount).toBe(0)
})

test('a full node refuses more agents and says so', async () => {
  const market = await start({ server: { maxLinks: 1 } })
  await socketAgent(market.port).dial(1, agentHandlers)
  await expect(socketAgent(market.port).dial(1, agentHandlers)).rejects.toMatchObject({ code: 'unavailable' })
})

test('a hello is good only for the TLS session it was signed in', async () => {
  const tls = selfSigned()
  const market = await start({ tls })
  await socketAgent(market.port, { scheme: 'https', ca: [tls.cert] }).dial(1, agentHandlers)
  const signer = newSigner()
  const unbound = headerOf(market, signer, helloFor(market, signer))
  expect(codeOf(await upgrade(market, { [helloHeader]: unbound }, tls))).toBe('signature_invalid')
  const elsewhere = headerOf(market, signer, helloFor(market, signer, { tlsBinding: `0x${'11'.repeat(32)}` }))
  expect(codeOf(await upgrade(market, { [helloHeader]: elsewhere }, tls))).toBe('signature_invalid')
})

test('behind a proxy that ends TLS a bound hello is let in where the operator says so', async () => {
  const market = await start({ server: { behindTlsProxy: true } })
  const signer = newSigner()
  const bound = headerOf(market, signer, helloFor(market, signer, { tlsBinding: `0x${'11'.repeat(32)}` }))
  expect(codeOf(await say(market, bound))).toBe('linked')
})

test('a certificate nobody vouches for is refused by the agent', async () => {
  const market = await start({ tls: selfSigned() })
  await expect(socketAgent(market.port, { scheme: 'https' }).dial(1, agentHandlers)).rejects.toMatchObject({
    code: 'link_closed',
    message: expect.stringContaining('self-signed'),
  })
})

test('an agent tells a market that is not there, is none, or is another one apart', async () => {
  const market = await start()
  const { port } = market
  await market.links.close()
  await expect(socketAgent(port).dial(1, agentHandlers)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(socketAgent(1).dial(1, agentHandlers)).rejects.toMatchObject({
    code: 'link_closed',
    message: expect.stringContaining('cannot be reached'),
  })
})
