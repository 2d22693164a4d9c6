import { parentPort } from 'node:worker_threads'
import { publishProgram } from '@muster/graph'
import { MusterError, toProblem } from '@muster/protocol'
import type { ModelVerdict } from './model-verdict.ts'

const judge = (model: Uint8Array): ModelVerdict => {
  try {
    return { program: publishProgram(model).id }
  } catch (error) {
    if (error instanceof MusterError) return { problem: toProblem(error) }
    return { broken: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

parentPort?.on('message', (model: Uint8Array) => parentPort?.postMessage(judge(model)))
