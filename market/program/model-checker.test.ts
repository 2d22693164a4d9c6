import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { buildModelBytes, publishProgram, type ModelInput } from '@muster/graph'
import { silentLog, systemWorld, type Cid } from '@muster/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createMemoryBlobs } from '../blob/memory-blobs.ts'
import { createModelChecker, type ModelCheckerOptions } from './model-checker.ts'

const model = (change: Partial<ModelInput> = {}): Uint8Array =>
  buildModelBytes({
    nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', dtype: 'float32', dims: ['n'] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: ['n'] }],
    ...change,
  })

/** A field of `length` bytes. */
const field = (number: number, bytes: Uint8Array): Uint8Array => {
  const head = [number * 8 + 2]
  let { length } = bytes
  for (; length >= 128; length = Math.floor(length / 128)) head.push((length % 128) + 128)
  return Buffer.concat([Uint8Array.from([...head, length]), bytes])
}

/** Sixteen megabytes of which every byte becomes a number on the heap: `int64_data` of a weight. */
const largeModel = (): Uint8Array => field(7, field(5, field(7, new Uint8Array(15_900_000).fill(1))))

/** A process that does what the number of bytes of a model says, and answers with how many models it had. */
const scripted = `
  let models = 0
  process.stdin.on('data', (chunk) => {
    const bytes = Number(chunk.readBigUInt64LE())
    models++
    if (bytes === 1) process.exit(3)
    if (bytes === 2) return process.send({ broken: 'a fault of the market' })
    if (bytes === 4) for (;;);
    if (bytes !== 3) process.send({ program: 'model ' + models + ' here' })
  })
`

const scriptedEntry = async (): Promise<URL> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-model-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const file = path.join(directory, 'scripted.cjs')
  await writeFile(file, scripted)
  return pathToFileURL(file)
}

const setUp = (options: ModelCheckerOptions = {}) => {
  const blobs = createMemoryBlobs()
  const checker = createModelChecker({ world: systemWorld, log: silentLog }, options)
  onTestFinished(() => checker.close())
  const put = async (bytes: Uint8Array): Promise<Cid> => (await blobs.putBytes(bytes)).cid
  const check = async (bytes: Uint8Array): Promise<Cid> => checker.check(await put(bytes), blobs)
  return { blobs, checker, put, check }
}

test('a model is the same program as anywhere, and is refused for the same reasons', async () => {
  const { check, checker, blobs } = setUp()
  const good = model()
  expect(await check(good)).toBe(publishProgram(good).id)
  expect(good.length).toBeGreaterThan(0)
  await expect(
    check(model({ nodes: [{ op: 'RandomNormalLike', inputs: ['x'], outputs: ['y'], name: 'dice' }] })),
  ).rejects.toMatchObject({
    code: 'program_refused',
    fault: 'program',
    retry: 'never',
    facts: { refusals: [{ node: { op: 'RandomNormalLike', name: 'dice' } }] },
  })
  await expect(check(new Uint8Array(9).fill(255))).rejects.toMatchObject({ code: 'program_refused' })
  const unknown = publishProgram(good).id
  await expect(checker.check(unknown, blobs)).rejects.toMatchObject({ code: 'blob_missing', facts: { cid: unknown } })
  expect(await check(good)).toBe(publishProgram(good).id)
})

describe('a model bomb', () => {
  test('that takes too long is refused as the fault of its model, the market goes on meanwhile, and so do later checks', async () => {
    const { check } = setUp({ entry: await scriptedEntry(), timeLimitMs: 1_500 })
    await check(new Uint8Array(10))
    let beats = 0
    const heart = setInterval(() => beats++, 10)
    onTestFinished(() => clearInterval(heart))
    beats = 0
    await expect(check(new Uint8Array(4))).rejects.toMatchObject({
      code: 'program_refused',
      fault: 'program',
      retry: 'later',
      facts: { found: 'more' },
    })
    expect(beats).toBeGreaterThan(20)
    expect(await check(new Uint8Array(10))).toBe('model 1 here')
  })

  test('that takes too much memory is refused and ends nothing but its check', async () => {
    const { check } = setUp({ memoryMib: 96 })
    await expect(check(largeModel())).rejects.toMatchObject({
      code: 'program_refused',
      fault: 'program',
      retry: 'later',
      facts: { expected: 'at most 96 MiB of memory' },
    })
    expect(await check(model())).toBe(publishProgram(model()).id)
  })
})

describe('where the check itself breaks', () => {
  test('nobody is blamed, the next model gets a new process, and one that answers is kept', async () => {
    const { check } = setUp({ entry: await scriptedEntry() })
    const bytes = (count: number) => new Uint8Array(count)
    expect([await check(bytes(10)), await check(bytes(11))]).toEqual(['model 1 here', 'model 2 here'])
    await expect(check(bytes(1))).rejects.toMatchObject({ code: 'unavailable', fault: 'market', retry: 'later' })
    expect(await check(bytes(10))).toBe('model 1 here')
    await expect(check(bytes(2))).rejects.toThrow('a fault of the market')
    expect(await check(bytes(10))).toBe('model 1 here')
  })

  test('what waits is refused when the market closes, and nothing is taken after', async () => {
    const { check, checker } = setUp({ entry: await scriptedEntry() })
    const open = [check(new Uint8Array(3)), check(new Uint8Array(10))].map((each) =>
      each.catch((error: unknown) => error),
    )
    await checker.close()
    for (const each of open) expect(await each).toMatchObject({ code: 'unavailable', fault: 'market' })
    await expect(check(new Uint8Array(10))).rejects.toMatchObject({ code: 'unavailable' })
  })
})

test('no more models wait than the market takes', async () => {
  const { check, checker } = setUp({ entry: await scriptedEntry(), maxWaiting: 2 })
  const all = [3, 10, 11, 12].map((bytes) => check(new Uint8Array(bytes)).catch((error: unknown) => error))
  expect(await all[3]).toMatchObject({ code: 'unavailable', fault: 'market', retry: 'later' })
  await checker.close()
  await Promise.all(all)
})

test('the process ends with its market, whatever a model makes it do', async () => {
  const child = fork(path.join(import.meta.dirname, 'model-process.ts'), ['1024'], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const send = (bytes: Uint8Array) => {
    const head = Buffer.alloc(8)
    head.writeBigUInt64LE(BigInt(bytes.length))
    child.stdin?.write(Buffer.concat([head, bytes]))
  }
  send(model())
  const [verdict]: unknown[] = await once(child, 'message')
  expect(verdict).toEqual({ program: publishProgram(model()).id })
  send(largeModel())
  await setTimeout(500)
  child.disconnect()
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
})
