import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { pinnedVector } from '@muster/graph'
import { chainOf, checkChain, systemWorld, toHex, type Digest } from '@muster/protocol'
import { decodeTensor } from '@muster/graph'
import { createRuntimePool } from '@muster/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bench } from './bench.ts'
import { parseGpuFigures } from './gpu-figures.ts'
import { openBench } from './open-bench.ts'
import { checkExitCodes, runCheck } from './run-check.ts'

const never = new AbortController().signal

describe('on this machine', () => {
  const pool = createRuntimePool({ processes: 1, memoryBytes: 2 ** 29, taskTimeoutMs: 60_000 })
  let directory = ''
  let bench: Bench
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'muster-bench-'))
    bench = openBench({ directory, nvidiaSmi: 'no-such-command' }, { pool, world: systemWorld })
  })
  afterAll(async () => {
    await pool.close()
    await rm(directory, { recursive: true })
  })

  test('the engine computes the chain of a seed as it is checked', async () => {
    const work = { width: 256, layers: 3, columns: 40 }
    for (const seed of [1, 2].map((fill) => toHex(new Uint8Array(32).fill(fill)))) {
      const { output, runUs } = await bench.compute(seed, work, never)
      const { data, dims } = decodeTensor(output)
      const chain = chainOf(seed, work)
      expect(dims).toEqual([chain.sizes.at(-1), 40])
      expect(data instanceof Float32Array && (await checkChain(chain, data, systemWorld.random))).toBe(true)
      expect(runUs).toBeGreaterThan(0)
    }
  })

  test('memory and disk are measured, leave nothing behind, and end when they are told to', async () => {
    const memory = await bench.memory(never)
    const disk = await bench.disk(never)
    for (const figure of [...Object.values(memory), ...Object.values(disk)]) expect(figure).toBeGreaterThan(0)
    await expect(bench.memory(AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
    await expect(bench.disk(AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
    await expect(bench.vector(AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
    expect(await readdir(directory)).toEqual([])
    expect(await bench.gpus()).toEqual([])
  })
})

test('GPUs are read line by line, and what cannot be read is left out', () => {
  const uuid = 'GPU-5c3f0e2a-1111-2222-3333-444455556666'
  const lines = [
    `${uuid}, NVIDIA H200, 143771, 570.86.15, 1980, 3201`,
    `${uuid}, Old, 100, 390.1, [N/A], [N/A]`,
    'No devices were found',
    '',
  ]
  expect(parseGpuFigures(lines.join('\n'))).toEqual([
    { uuid, model: 'NVIDIA H200', vramBytes: 143_771 * 2 ** 20, driver: '570.86.15', coreMhz: 1980, memoryMhz: 3201 },
    { uuid, model: 'Old', vramBytes: 100 * 2 ** 20, driver: '390.1', coreMhz: 0, memoryMhz: 0 },
  ])
})

describe('muster agent check', () => {
  const check = async (args: readonly string[], change: Partial<Bench> = {}) => {
    let [out, error] = ['', '']
    let isClosed = false
    const bench: Bench = {
      vector: async () => pinnedVector.outputs.map(({ digest }) => digest as Digest),
      compute: async () => ({ output: new Uint8Array(0), prepareUs: 1_000_000, runUs: 1_000_000 }),
      memory: async () => ({ bytes: 2e10, tookUs: 1_000_000 }),
      disk: async () => ({ bytes: 1e9, writeUs: 2_000_000, readUs: 1_000_000 }),
      gpus: async () => [],
      ...change,
    }
    const status = await runCheck(args, {
      writeOut: (text) => (out += text),
      writeError: (text) => (error += text),
      world: systemWorld,
      open: async () => ({
        bench,
        close: async () => {
          isClosed = true
        },
      }),
    })
    return { status, out, error, isClosed }
  }

  test('names the operators that differ, says what follows, and closes what it opened', async () => {
    const vector = async () =>
      pinnedVector.outputs.map(({ name, digest }) => (name === 'Exp' ? `0x${'0'.repeat(64)}` : digest) as Digest)
    const { status, out, isClosed } = await check([], { vector })
    expect(status).toBe(checkExitCodes.differs)
    expect(out).toContain('1 of 44 outputs are not the pinned ones: Exp')
    expect(out).toContain('gets no graph work')
    expect(out).toContain('20.0 GB/s copied')
    expect(out).toContain('500 MB/s written and flushed')
    expect(isClosed).toBe(true)
  })

  test('gives one JSON document, and refuses options it does not know', async () => {
    const { status, out } = await check(['--json'])
    expect(status).toBe(checkExitCodes.differs)
    expect(JSON.parse(out)).toMatchObject({ mismatches: [], isRight: false, gpus: [] })
    const wrong = await check(['--fast'])
    expect(wrong.status).toBe(checkExitCodes.failed)
    expect(wrong.error).toContain('--fast')
    expect((await check(['--help'])).out).toContain('muster agent check')
  })
})
