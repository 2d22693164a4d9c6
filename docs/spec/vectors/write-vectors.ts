import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { toJson } from '../../../protocol/api/json.ts'
import { makeVectors } from '../../../protocol/vector/make-vectors.ts'

// Run by hand after a change of the wire format, which is a new version of the protocol:
// node run.mjs docs/spec/vectors/write-vectors.ts
for (const [name, vectors] of Object.entries(makeVectors())) {
  writeFileSync(path.join(import.meta.dirname, `${name}.json`), `${toJson(vectors, 2)}\n`)
}
