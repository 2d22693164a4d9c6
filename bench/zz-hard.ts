import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import cp from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
import { parseUsd } from '@muster/protocol'
import { createMuster } from '@muster/sdk'
import { runOneJob, runOneTaskJobs } from './task/muster-round.ts'
const spawn = cp.spawn
if (process.env['PROF']) { cp.spawn = ((c: string, a: string[], o: { env: object }) => spawn(c, a, { ...o, env: { ...o.env, NODE_OPTIONS: '--import /tmp/hard/prof.mjs' } } as never)) as never; syncBuiltinESMExports() }
const { startDevnet } = await import('@muster/devnet')
const agents = ['a', 'b', 'c', 'd'].map((name, index) => ({ name, region: 'bench', country: 'ZZ', slots: 2, prices: { noop: { nanoUsd: BigInt(100 + index), per: 'task' as const } } }))
const directory = await mkdtemp(path.join(tmpdir(), 'muster-bench-'))
const devnet = await startDevnet({ directory, agents, port: 0, graceMs: 10_000, tenantBalance: parseUsd('1000') } as never)
const muster = createMuster({ url: devnet.url, apiKey: devnet.apiKey })
const big = Number(process.argv[2] ?? 5)
const small = Number(process.argv[3] ?? 2)
for (let i = 0; i < big; i++) { const r = await runOneJob(muster, 1000, 8); const l = [...r.latenciesMs].sort((a,b)=>a-b); console.log('one job', (1e6 / r.tookMs).toFixed(0), 'tasks/s p50', l[500]) }
for (let i = 0; i < small; i++) { const r = await runOneTaskJobs(muster, 300, 64); console.log('single', (300_000 / r.tookMs).toFixed(0), 'jobs/s') }
await devnet.close()
await rm(directory, { recursive: true, force: true })
process.exit(0)
