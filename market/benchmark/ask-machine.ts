import { decodeTensor, vectorMismatches } from '@muster/graph'
import {
  chainOf,
  checkChain,
  cidOf,
  MusterError,
  networkProof,
  randomBlob,
  signRecord,
  sleep,
  toHex,
  type AgentPeer,
  type BenchmarkEntry,
  type BenchmarkFigures,
  type BenchmarkPart,
  type BenchmarkWork,
  type ChainWork,
  type Cid,
  type SignatureDomain,
  type Signer,
  type Verifier,
  type World,
} from '@muster/protocol'
import { checkAnswer, type FindingsOf } from './check-answer.ts'

export interface AskMachineOptions {
  readonly work: ChainWork
  readonly networkBytes: number
  readonly timeoutMs: number
}

export interface AskMachineModules {
  readonly world: World
  readonly signer: Signer
  readonly verifier: Verifier
  readonly domain: SignatureDomain
  /** Lets the agent fetch these bytes, until `end`; `isGiven` once the last of them went out. */
  readonly lend: (peer: AgentPeer, cid: Cid, bytes: Uint8Array) => { isGiven(): boolean; end(): void }
}

/** A thread computes less: whoever answers sooner did the work before, or not at all. */
const mostGflops = 2_000
const shortestMs = 1e-6

const wrong = (message: string, expected: unknown, found: unknown): MusterError =>
  new MusterError({ code: 'record_invalid', message, facts: { expected, found } })

/** More than anything carries: a record holds no more. */
const mostRate = 1e9

/** Per second, of bytes and microseconds: millions of bytes. */
const megabytes = (bytes: number, us: number): number => Math.min(mostRate, bytes / Math.max(1, us))
const megabits = (bytes: number, ms: number): number =>
  Math.min(mostRate, (bytes * 8) / Math.max(shortestMs, ms) / 1000)

/** A blob of the agent's, all of it within `timeoutMs`: bytes that drip stand in nobody's way. */
const readAll = async (
  peer: AgentPeer,
  cid: Cid,
  maxBytes: number,
  { world, timeoutMs }: { readonly world: World; readonly timeoutMs: number },
): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  const startedAt = world.elapsed()
  for await (const chunk of peer.getBlob(cid, maxBytes)) {
    chunks.push(chunk)
    if (world.elapsed() - startedAt > timeoutMs)
      throw new MusterError({ code: 'timeout', message: 'The bytes did not come in time.', facts: { cid, timeoutMs } })
  }
  const bytes = new Uint8Array(Buffer.concat(chunks))
  if (cidOf(bytes) !== cid) throw wrong('The bytes that came are not the blob that was asked for.', cid, cidOf(bytes))
  return bytes
}

/**
 * One benchmark: a challenge of each part after the other, each with a seed of its own, so that no answer is of use for another. What
 * was asked and answered goes into `answers` as it comes. Throws what the agent answers, `timeout`, `record_invalid`, `signature_invalid`.
 */
export const askMachine = async (
  peer: AgentPeer,
  answers: BenchmarkEntry['answers'],
  { work, networkBytes, timeoutMs }: AskMachineOptions,
  modules: AskMachineModules,
): Promise<BenchmarkFigures> => {
  const { world, signer, domain, lend } = modules
  const ask = async <Part extends BenchmarkPart>(of: BenchmarkWork & { part: Part }) => {
    const now = world.now()
    const challenge = signRecord(signer, domain, {
      kind: 'benchmark-challenge' as const,
      market: domain.market,
      provider: peer.provider,
      seed: toHex(world.random(32)),
      work: of,
      issuedAt: now,
      expiresAt: now + timeoutMs,
    })
    const startedAt = world.elapsed()
    const result = await peer.call('benchmark', { challenge }, { timeoutMs })
    const elapsedMs = Math.max(shortestMs, world.elapsed() - startedAt)
    const found: FindingsOf<Part> = checkAnswer(challenge.record, of.part, result, elapsedMs, modules)
    answers.push({ challenge, result })
    return { seed: challenge.record.seed, elapsedMs, found }
  }

  const askNetwork = async (): Promise<Pick<BenchmarkFigures, 'downMbps' | 'upMbps'>> => {
    const bytes = randomBlob(world, networkBytes)
    const cid = cidOf(bytes)
    const lent = lend(peer, cid, bytes)
    try {
      const { seed, elapsedMs, found } = await ask({ part: 'network', blob: cid, bytes: networkBytes })
      if (!lent.isGiven()) throw wrong('The answer came before the bytes had gone out.', networkBytes, 0)
      const proof = networkProof(seed, bytes)
      if (found.proof !== proof) throw wrong('The answer does not show that the bytes arrived.', proof, found.proof)
      const startedAt = world.elapsed()
      await readAll(peer, cid, networkBytes, { world, timeoutMs })
      return {
        downMbps: megabits(networkBytes, elapsedMs),
        upMbps: megabits(networkBytes, world.elapsed() - startedAt),
      }
    } finally {
      lent.end()
    }
  }

  const askCompute = async (): Promise<Pick<BenchmarkFigures, 'gflops' | 'claimedGflops'>> => {
    const { seed, elapsedMs, found } = await ask(work)
    const chain = chainOf(seed, work)
    const gflops = chain.flops / elapsedMs / 1e6
    if (gflops > mostGflops) throw wrong('The answer came sooner than a thread can compute it.', mostGflops, gflops)
    const rows = chain.sizes.at(-1) ?? 0
    const headBytes = 1024
    const { dtype, dims, data } = decodeTensor(
      await readAll(peer, found.output, rows * work.columns * Float32Array.BYTES_PER_ELEMENT + headBytes, {
        world,
        timeoutMs,
      }),
    )
    const isRight =
      dtype === 'float32' &&
      dims.length === 2 &&
      data instanceof Float32Array &&
      (await checkChain(chain, data, world.random, () => sleep(world, 0)))
    if (!isRight) throw wrong('The matrices did not come out right.', dims, [rows, work.columns])
    return { gflops, claimedGflops: chain.flops / Math.max(1, found.runUs) / 1e3 }
  }

  const machine = await ask({ part: 'machine' })
  const { vector, memory, disk, gpus } = machine.found
  const network = await askNetwork()
  const computed = await askCompute()
  return {
    ...computed,
    ...network,
    memoryMBps: megabytes(memory.bytes, memory.tookUs),
    diskWriteMBps: megabytes(disk.bytes, disk.writeUs),
    diskReadMBps: megabytes(disk.bytes, disk.readUs),
    mismatches: vectorMismatches(vector),
    gpus,
  }
}
