import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import * as graph from './index.ts'

const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('node_modules'),
)

describe('@muster/graph', () => {
  test('exports these and nothing else', () => {
    expect(Object.keys(graph).toSorted()).toEqual([
      'buildGraph',
      'buildModel',
      'buildModelBytes',
      'checkInputs',
      'checkModel',
      'checkProgram',
      'decodeManifest',
      'decodeTensor',
      'dtypeNumber',
      'dtypeOfNumber',
      'dtypeSize',
      'dtypes',
      'encodeManifest',
      'encodeTensor',
      'execSpec',
      'execSpecDigest',
      'findOperator',
      'irVersions',
      'isDtype',
      'maxOpset',
      'modelBounds',
      'operatorNames',
      'operatorTableDigest',
      'pinnedVector',
      'programId',
      'publishProgram',
      'readModel',
      'readTensorHeader',
      'requireInputs',
      'sayRefusal',
      'scanModel',
      'tensorDigest',
      'vectorDigests',
      'vectorMismatches',
      'vectorProgram',
      'writeModel',
    ])
  })

  test('runs in a browser as well: it imports nothing of Node', () => {
    const impure = sources.filter((file) =>
      /from 'node:/.test(readFileSync(path.join(import.meta.dirname, file), 'utf8')),
    )
    expect(sources.length).toBeGreaterThan(20)
    expect(impure).toEqual([])
  })
})
