import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { toJson } from '../api/json.ts'
import { makeVectors } from './make-vectors.ts'

// Run by hand after a change of the wire format, which is a new version of the protocol:
// node run.mjs protocol/vector/write-vectors.ts
const folder = path.join(import.meta.dirname, '../../docs/spec/vectors')
mkdirSync(folder, { recursive: true })
for (const [name, vectors] of Object.entries(makeVectors())) {
  writeFileSync(path.join(folder, `${name}.json`), `${toJson(vectors, 2)}\n`)
}
