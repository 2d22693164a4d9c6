import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startDevnet } from '@muster/devnet'
import { parseUsd } from '@muster/protocol'
import { createMuster } from '@muster/sdk'
const agents = ['a', 'b', 'c', 'd'].map((name, index) => ({ name, region: 'bench', country: 'ZZ', slots: 2, prices: { noop: { nanoUsd: BigInt(100 + index), per: 'task' as const } } }))
const directory = await mkdtemp(path.join(tmpdir(), 'muster-bench-'))
const devnet = await startDevnet({ directory, agents, port: 0, graceMs: 10_000, tenantBalance: parseUsd('1000') } as never)
const muster = createMuster({ url: devnet.url, apiKey: devnet.apiKey })
const n = Number(process.argv[2] ?? 1), slots = Number(process.argv[3] ?? 1)
for (let i = 0; i < 12; i++) {
  const t0 = Date.now()
  const job = await muster.submitJob({ apiVersion: 'muster/v1', kind: 'batch', name: 'bench', runtime: 'noop', program: null, tasks: Array.from({ length: n }, () => ({ inputs: [] })), slots, resources: { cpuMilli: 1000, memoryBytes: 2 ** 28, diskBytes: 0 }, maxPrice: { nanoUsd: 1000n, per: 'task' }, ceiling: 1000n * BigInt(n) } as never)
  const t1 = Date.now()
  const ev = []
  for await (const e of muster.watchJob(job.id)) ev.push([e.type, e.at - t0, e.tasks?.length ?? '', Date.now() - t0])
  if (i > 8) console.log('submit', t1 - t0, 'total', Date.now() - t0, ev.map((e) => e.join(':')).join(' '))
}
await devnet.close()
await rm(directory, { recursive: true, force: true })
process.exit(0)
