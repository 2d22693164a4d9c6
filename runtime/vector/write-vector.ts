import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { execSpecDigest, vectorProgram } from '@muster/graph'
import { digestBytes, toHex } from '@muster/protocol'
import { createRuntimePool } from '../pool/create-runtime-pool.ts'
import type { RunResult } from '../pool/run-request.ts'

// Run by hand after a change of the exec spec or the vector, and look at what changed:
// node run.mjs runtime/vector/write-vector.ts
const { model, inputs, outputs } = vectorProgram()

const runAlone = async (): Promise<RunResult> => {
  const pool = createRuntimePool({ processes: 1, memoryBytes: 2 ** 30, taskTimeoutMs: 60_000 })
  try {
    return await pool.run({ program: { cid: 'vector', model: async () => model }, inputs })
  } finally {
    await pool.close()
  }
}

const read = async (): Promise<string> => {
  const result = await runAlone()
  const digests = outputs.map((name) => {
    const blob = result.outputs.get(name)
    if (blob === undefined) throw new Error(`the run has no output ${name}`)
    return { name, digest: toHex(digestBytes(blob)) }
  })
  return `${JSON.stringify({ execSpec: execSpecDigest, outputs: digests }, null, 2)}\n`
}

const [first, second] = [await read(), await read()]
if (first !== second) throw new Error('two runs on this machine differ; nothing is pinned')
writeFileSync(fileURLToPath(new URL('../../graph/vector/pinned.json', import.meta.url)), first)
