import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier, loadSecp256k1, routes, systemWorld, type AgentPeer } from '@muster/protocol'
import { createLinkServer } from '../../market/link/link-server.ts'
import { latencyOf, rateOf } from './round-trips.ts'
import { linkMessages, linkCallsOver } from './transports.ts'
let arrived = () => {}
const linked = Promise.withResolvers<AgentPeer>()
const links = createLinkServer(
  { market: `0x${'11'.repeat(20)}` as never, chainId: 31337 },
  {
    world: systemWorld,
    verifier: createVerifier(await loadSecp256k1()),
    handlers: {
      onOpen: (p) => linked.resolve(p),
      onMessage: () => arrived(),
      onClose: (_p, r) => console.log('closed', r),
    },
    acceptEpoch: () => Promise.resolve(true),
  },
)
const server = createServer((q, s) => {
  let t = ''
  q.on('data', (c) => (t += c))
  q.on('end', () => {
    s.writeHead(201)
    s.end(JSON.stringify(links.issueChallenge(JSON.parse(t).provider)))
  })
})
server.on('upgrade', (a, b, c) => links.handleUpgrade(a, b, c))
await new Promise<void>((r) => server.listen(0, '127.0.0.1', r))
const child = fork(
  import.meta.dirname + '/echo-process.ts',
  [`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '31337'],
  {
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      ...(process.argv[3] ? [process.argv[3], '--cpu-prof-dir=/tmp/lk/prof', '--cpu-prof-name=child.cpuprofile'] : []),
    ],
  },
)
const peer = await linked.promise
const m = linkMessages(peer)
arrived = m.arrived
const t = process.argv[2] === 'call' ? linkCallsOver(peer).trip : m.trip
for (const n of [1, 2, 4, 8, 16, 64]) {
  const c0 = process.cpuUsage()
  const r = await rateOf(t, n, 700)
  const c = process.cpuUsage(c0)
  console.log(
    n,
    'rate',
    Math.round(r),
    'p50',
    (await latencyOf(t, 2000)).toFixed(1),
    'cpu ms/s',
    Math.round((c.user + c.system) / 1000),
  )
}
child.disconnect()
await links.close()
server.close()
