import { fork, type ChildProcess } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { addressOf, createVerifier, loadSecp256k1, routes, systemWorld, type AgentPeer } from '@muster/protocol'
import { createLinkServer } from '../../market/link/link-server.ts'
import { describeMachine, median, type BenchResult } from '../bench-result.ts'
import { latencyOf, rateOf } from './round-trips.ts'
import { linkCallsOver, linkMessages, plainHttp, webSocket, type Transport } from './transports.ts'

const chainId = 31_337
const rounds = 5
const underWay = 64
const tripsPerRound = 3_000
const rateMs = 1_000

interface Ports {
  readonly http: number
  readonly ws: number
  readonly wsCorked: number
}

const startMarket = async (onMessage: () => void) => {
  const secp256k1 = await loadSecp256k1()
  const market = addressOf(secp256k1.publicKey(systemWorld.random(32)))
  const linked = Promise.withResolvers<AgentPeer>()
  const links = createLinkServer(
    { market, chainId },
    {
      world: systemWorld,
      verifier: createVerifier(secp256k1),
      handlers: { onOpen: (peer) => linked.resolve(peer), onMessage, onClose: () => {} },
      acceptEpoch: () => Promise.resolve(true),
    },
  )
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { provider } = routes.challenge.body.parse(JSON.parse(Buffer.concat(chunks).toString()))
      response.writeHead(routes.challenge.status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(links.issueChallenge(provider)))
    })
  })
  server.on('upgrade', (request, socket, head) => links.handleUpgrade(request, socket, head))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { links, server, linked: linked.promise }
}

const startEcho = (server: Server): { child: ChildProcess; ports: Promise<Ports> } => {
  const { port } = server.address() as AddressInfo
  const script = path.join(import.meta.dirname, 'echo-process.ts')
  const child = fork(script, [`http://127.0.0.1:${port}`, String(chainId)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const ports = new Promise<Ports>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Ports))
    child.once('exit', (code) => reject(new Error(`the far end ended with ${code}`)))
  })
  return { child, ports }
}

const measure = async (transports: Readonly<Record<string, Transport>>) => {
  const names = Object.keys(transports)
  const latencies = new Map<string, number[]>(names.map((name) => [name, []]))
  const rates = new Map<string, number[]>(names.map((name) => [name, []]))
  for (const { trip } of Object.values(transports)) await rateOf(trip, underWay, rateMs)
  for (let round = 0; round < rounds; round++) {
    for (const [name, { trip }] of Object.entries(transports)) {
      latencies.get(name)?.push(await latencyOf(trip, tripsPerRound))
      rates.get(name)?.push(await rateOf(trip, underWay, rateMs))
    }
  }
  return { latencies, rates }
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

/**
 * Round trips of 200 bytes there and 200 back between two processes: over the agent link (messages on its long-lived stream,
 * and calls), plain HTTP/1.1 with kept connections, and `ws`. In turn, the median of five rounds; rates with 64 under way.
 */
export const runLinkBench = async (): Promise<BenchResult> => {
  let arrived = (): void => {}
  const { links, server, linked } = await startMarket(() => arrived())
  const { child, ports } = startEcho(server)
  try {
    const { http, ws, wsCorked } = await ports
    const peer = await linked
    const messages = linkMessages(peer)
    arrived = messages.arrived
    const transports = {
      link: messages,
      linkCall: linkCallsOver(peer),
      http1: plainHttp(http, underWay),
      ws: await webSocket(ws, false),
      wsCorked: await webSocket(wsCorked, true),
    }
    const { latencies, rates } = await measure(transports)
    for (const transport of Object.values(transports)) transport.close()
    const p50 = (name: keyof typeof transports) => median(latencies.get(name) ?? [])
    const rate = (name: keyof typeof transports) => median(rates.get(name) ?? [])
    const names = Object.keys(transports) as (keyof typeof transports)[]
    return {
      bench: 'link',
      machine: describeMachine(),
      figures: Object.fromEntries(
        names.flatMap((name) => [
          [`${name}P50Us`, round(p50(name), 1)],
          [`${name}RequestsPerSecond`, Math.round(rate(name))],
        ]),
      ),
      ratios: {
        linkRequestsPerSecondVsHttp1: round(rate('link') / rate('http1'), 3),
        linkP50VsHttp1: round(p50('link') / p50('http1'), 3),
        linkRequestsPerSecondVsWs: round(rate('link') / rate('ws'), 3),
        linkRequestsPerSecondVsWsCorked: round(rate('link') / rate('wsCorked'), 3),
        linkP50VsWs: round(p50('link') / p50('ws'), 3),
        linkCallRequestsPerSecondVsHttp1: round(rate('linkCall') / rate('http1'), 3),
        linkCallP50VsHttp1: round(p50('linkCall') / p50('http1'), 3),
      },
      detail: {
        rounds,
        underWay,
        tripsPerRound,
        latencies: Object.fromEntries(latencies),
        rates: Object.fromEntries(rates),
      },
    }
  } finally {
    await links.close()
    child.disconnect()
    await new Promise<void>((resolve) => {
      if (child.exitCode !== null) return resolve()
      child.once('exit', () => resolve())
    })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}
