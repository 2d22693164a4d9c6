import { setTimeout as sleep } from 'node:timers/promises'
import { encodeTensor } from '@muster/graph'
import { createRuntimePool } from '../pool/create-runtime-pool.ts'
import { endlessModel } from './endless-model.ts'

// Runs a program that never ends and prints the process it runs in. A test kills this process meanwhile.
const pids: number[] = []
const pool = createRuntimePool(
  { processes: 1, memoryBytes: 2 ** 29, taskTimeoutMs: 600_000 },
  { log: (event) => pids.push(event.pid) },
)
const x = encodeTensor({ dtype: 'int32', dims: [1], data: Int32Array.of(1) })
const program = { cid: 'endless', model: () => Promise.resolve(endlessModel()) }
const run = pool.run({ program, inputs: new Map([['x', x]]) })
await sleep(1000)
process.stdout.write(`${pids[0] ?? 0}\n`)
await run
