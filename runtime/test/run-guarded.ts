import { Worker } from 'node:worker_threads'
import type { GuardOrders } from '../worker/guard.ts'

// Usage: node run-guarded.ts <memory bytes> <parent>. Sets a guard on this process, then is busy until it is ended.
const [memoryBytes, parent] = process.argv.slice(2)
const workerData: GuardOrders = {
  memoryBytes: Number(memoryBytes),
  parent: parent === 'gone' ? 0 : process.ppid,
  peakKib: new Int32Array(new SharedArrayBuffer(4)),
}
const guard = new Worker(new URL('../worker/guard.ts', import.meta.url), { workerData })
await new Promise((resolve) => guard.once('online', resolve))
for (;;);
