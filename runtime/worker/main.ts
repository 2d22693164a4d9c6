import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { GuardOrders } from './guard.ts'
import { limitWasmMemory } from './limit-memory.ts'
import { serve } from './serve.ts'

// Started by the pool as: node main.ts <engine sha256> <wasm bytes> <process bytes> <body bytes>, with a socket as
// descriptor 3. It ends with the pool, whatever it is doing: the guard sees to that.
const [binary = '', wasmBytes, memoryBytes, maxBodyBytes] = process.argv.slice(2)

const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

const orders: GuardOrders = {
  memoryBytes: Number(memoryBytes),
  parent: process.ppid,
  peakKib: new Int32Array(new SharedArrayBuffer(4)),
}
const guard = new Worker(new URL('guard.ts', import.meta.url), { workerData: orders })
guard.on('error', die)
limitWasmMemory(Number(wasmBytes))

const socket = new Socket({ fd: 3 })
socket.on('close', die)
socket.on('error', die)
await serve(socket, { binary, maxBodyBytes: Number(maxBodyBytes), peakKib: orders.peakKib })
