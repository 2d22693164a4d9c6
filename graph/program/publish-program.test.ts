import { readFileSync } from 'node:fs'
import { cidOf, digestOf, encodeCanonical, fromHex, toHex, type Hex } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { buildModelBytes } from '../model/build-model.ts'
import { readModel } from '../model/read-model.ts'
import { operatorNames, operatorTableDigest } from '../operator/operator-table.ts'
import { refusedOperators } from '../operator/refused-operators.ts'
import { execSpec, execSpecDigest } from './exec-spec.ts'
import { decodeManifest, encodeManifest } from './program-manifest.ts'
import { publishProgram } from './publish-program.ts'

interface Vectors {
  readonly execSpec: unknown
  readonly execSpecDigest: string
  readonly model: Hex
  readonly manifest: unknown
  readonly manifestBytes: Hex
  readonly program: string
}

const spec = readFileSync(new URL('../../docs/spec/program.md', import.meta.url), 'utf8')
const blockAfter = (heading: string, language: string): string => {
  const [, block = ''] = new RegExp(`## ${heading}[^]*?\`\`\`${language}\n([^]*?)\`\`\``).exec(spec) ?? []
  return block
}
const vectors = JSON.parse(blockAfter('Vectors', 'json')) as Vectors

const value = { dtype: 'float32', dims: ['n'] } as const
const weights = { w: { dtype: 'float32', dims: [1], data: Float32Array.of(1) } } as const

describe('the exec spec', () => {
  test('is the one in docs/spec/program.md', () => {
    expect(execSpec).toEqual(vectors.execSpec)
    expect(execSpecDigest).toBe(vectors.execSpecDigest)
    expect(execSpecDigest).toBe(digestOf(vectors.execSpec))
    expect(execSpec.operators).toBe(operatorTableDigest())
  })

  test('lists its operators there, and none that is refused', () => {
    expect(blockAfter('Operators', 'text').split(/\s+/).filter(Boolean)).toEqual(operatorNames)
    expect(operatorNames.filter((name) => refusedOperators.has(name))).toEqual([])
  })
})

describe('publishing', () => {
  test('gives what the vectors say', () => {
    const published = publishProgram(fromHex(vectors.model))
    expect(published.manifest).toEqual(vectors.manifest)
    expect(toHex(published.manifestBytes)).toBe(vectors.manifestBytes)
    expect(published.id).toBe(vectors.program)
    expect(published.id).toBe(cidOf(published.manifestBytes))
    expect(decodeManifest(published.manifestBytes)).toEqual(published.manifest)
  })

  test('leaves the bytes of a good model alone', () => {
    const model = fromHex(vectors.model)
    const published = publishProgram(model)
    expect(published.modelBytes).toBe(model)
    expect(published.changes).toEqual([])
  })

  test('takes weights out of the list of inputs', () => {
    const nodes = [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }]
    const inputs = [
      { name: 'x', ...value },
      { name: 'w', ...value },
    ]
    const given = buildModelBytes({ nodes, weights, inputs, outputs: [{ name: 'y', ...value }] })
    const published = publishProgram(given)
    expect(published.changes).toEqual(['1 weights were taken out of the list of inputs'])
    expect(readModel(published.modelBytes).graph?.input.map(({ name }) => name)).toEqual(['x'])
    expect(published.manifest.model).toBe(cidOf(published.modelBytes))
    expect(publishProgram(published.modelBytes).id).toBe(published.id)
  })

  test('names every refusal', () => {
    const nodes = ['RandomNormalLike', 'Multinomial'].map((op, index) => ({
      op,
      inputs: ['x'],
      outputs: [`y${index}`],
    }))
    const model = buildModelBytes({ nodes, inputs: [{ name: 'x', ...value }], outputs: [{ name: 'y0', ...value }] })
    const refusals = [
      expect.objectContaining({
        path: 'graph.node[0]',
        node: { index: 0, name: '', op: 'RandomNormalLike', domain: '' },
      }),
      expect.objectContaining({ path: 'graph.node[1]' }),
    ]
    expect(() => publishProgram(model)).toThrow(
      expect.objectContaining({
        code: 'program_refused',
        fault: 'program',
        retry: 'never',
        facts: { count: 2, refusals },
      }),
    )
    expect(() => publishProgram(model)).toThrow(
      '2 refusals; the first: node 0 (RandomNormalLike): its result is drawn at random',
    )
  })
})

describe('a manifest', () => {
  const { manifest } = publishProgram(fromHex(vectors.model))

  test.each<[string, Record<string, unknown>]>([
    ['kind', { kind: 'claim' }],
    ['version', { version: 2 }],
    ['model', { model: 7 }],
    ['modelBytes', { modelBytes: -1 }],
    ['execSpec', { execSpec: '0x12' }],
    ['operators', { operators: 'many' }],
    ['inputs', { inputs: {} }],
    ['inputs', { inputs: Array.from({ length: 65 }, (_, index) => ({ name: `x${index}`, dtype: 'bool', dims: [] })) }],
    ['inputs[0]', { inputs: [{ name: 'x' }] }],
    ['inputs[0].dtype', { inputs: [{ name: 'x', dtype: 'string', dims: [] }] }],
    ['inputs[0].dims[1]', { inputs: [{ name: 'x', dtype: 'bool', dims: [1, true] }] }],
    ['inputs[0].dims', { inputs: [{ name: 'x', dtype: 'bool', dims: Array<number>(9).fill(1) }] }],
    ['manifest', { surplus: 1 }],
  ])('with a wrong %s is refused', (path, change) => {
    const bytes = encodeCanonical({ ...manifest, ...change })
    expect(() => decodeManifest(bytes)).toThrow(
      expect.objectContaining({ code: 'program_refused', facts: expect.objectContaining({ path }) }),
    )
  })

  test('in any other than canonical form is refused', () => {
    expect(() => decodeManifest(Uint8Array.of(...encodeManifest(manifest), 0))).toThrow(
      expect.objectContaining({ code: 'record_invalid' }),
    )
  })
})
