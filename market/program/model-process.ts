import { Worker } from 'node:worker_threads'
import type { ModelVerdict } from './model-verdict.ts'

// Started by the market as: node model-process.ts <MiB of heap>. Each model comes on standard input behind its length as
// eight bytes; what came of it is sent as a message. This thread only listens, so that the process ends with the market
// whatever a model makes the other one do.
const memoryMib = Number(process.argv[2])
const headBytes = 8

const answer = (verdict: ModelVerdict): void => void process.send?.(verdict)

const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

const thread = new Worker(new URL('./model-thread.ts', import.meta.url), {
  resourceLimits: { maxOldGenerationSizeMb: memoryMib },
})
thread.on('message', answer)
thread.on('error', (error) => {
  const isMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
  process.send?.(isMemory ? { tooLarge: true } : { broken: error.stack ?? error.message }, die)
})
process.on('disconnect', die)

let head = Buffer.alloc(0)
let model: Uint8Array<ArrayBuffer> | undefined
let filled = 0

const take = (chunk: Buffer): void => {
  for (let rest = chunk; rest.length > 0;) {
    if (model === undefined) {
      const wanted = headBytes - head.length
      head = Buffer.concat([head, rest.subarray(0, wanted)])
      rest = rest.subarray(wanted)
      if (head.length < headBytes) return
      model = new Uint8Array(Number(head.readBigUInt64LE()))
      filled = 0
    }
    const part = rest.subarray(0, model.length - filled)
    model.set(part, filled)
    filled += part.length
    rest = rest.subarray(part.length)
    if (filled < model.length) return
    thread.postMessage(model, [model.buffer])
    model = undefined
    head = Buffer.alloc(0)
  }
}

process.stdin.on('data', take)
process.stdin.on('end', die)
