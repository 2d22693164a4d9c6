import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { guardMark } from './guard-mark.ts'

export interface GuardOrders {
  readonly memoryBytes: number
  readonly parent: number
  /** One number: the highest resident memory seen, in KiB; the worker sets it back. */
  readonly peakKib: Int32Array
}

const checkMs = 100

const isOrders = (data: unknown): data is GuardOrders => typeof data === 'object' && data !== null && 'peakKib' in data

// Runs in a thread of its own, because the main one is deaf while an operator runs.
const orders: unknown = workerData
if (isOrders(orders)) {
  const { memoryBytes, parent, peakKib } = orders
  setInterval(() => {
    const rss = process.memoryUsage.rss()
    if (rss / 1024 > Atomics.load(peakKib, 0)) Atomics.store(peakKib, 0, Math.ceil(rss / 1024))
    const isTooLarge = rss > memoryBytes
    if (isTooLarge) writeSync(2, `${guardMark} ${rss}\n`)
    if (isTooLarge || process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
  }, checkMs)
}
