import { encodeTensor, execSpecDigest, pinnedVector } from '@muster/graph'
import {
  chainOf,
  chainPrime,
  cidOf,
  digestOf,
  linkClosed,
  MusterError,
  networkProof,
  signRecord,
  sleep,
  type AgentPeer,
  type BenchmarkFindings,
  type Cid,
  type Digest,
  type LinkCall,
  type LinkRequest,
  type LinkResponse,
  type MachineFindings,
  type MatrixChain,
  type SignatureDomain,
  type SignedBenchmarkResult,
  type Signer,
  type World,
} from '@muster/protocol'

/** Where a machine departs from an honest one. */
export interface MachineScript {
  found?(honest: BenchmarkFindings, request: LinkRequest<'benchmark'>): BenchmarkFindings | Promise<BenchmarkFindings>
  answer?(
    honest: SignedBenchmarkResult,
    request: LinkRequest<'benchmark'>,
  ): SignedBenchmarkResult | Promise<SignedBenchmarkResult>
  /** In place of fetching the market's bytes. */
  fetch?(fetch: () => Promise<Uint8Array>): Promise<Uint8Array>
  /** Cells of the last matrix, in place of the right ones. */
  cells?(right: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer>
  /** Bytes it gives for what it showed. */
  give?(bytes: Uint8Array): Uint8Array
  /** Gives a byte of it each so many ms. */
  readonly dripMs?: number
}

/** A machine on the world of a test, as the market sees it. */
export interface StageMachine {
  readonly peer: AgentPeer
  script: MachineScript
  /** GFLOP/s: how long its matrices take. */
  gflops: number
  /** Every challenge it was given, in order. */
  readonly asked: LinkRequest<'benchmark'>[]
  readonly answered: SignedBenchmarkResult[]
  close(): void
}

export interface StageMachineModules {
  readonly world: World
  readonly signer: Signer
  readonly domain: SignatureDomain
  /** How the market answers `want`. */
  readonly blobFor: (peer: AgentPeer, cid: Cid) => AsyncIterable<Uint8Array> | undefined
}

/** The chain in plain numbers. */
export const multiply = (chain: MatrixChain): Float32Array<ArrayBuffer> => {
  const { rows: first, columns, cells } = chain.start()
  let x: readonly number[] = [...cells]
  let height = first
  for (let layer = 0; layer + 1 < chain.sizes.length; layer++) {
    const factor = chain.factor(layer)
    const y: number[] = []
    for (let row = 0; row < factor.rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0
        for (let at = 0; at < height; at++)
          sum += (factor.cells[row * height + at] ?? 0) * (x[at * columns + column] ?? 0)
        y.push(sum % chainPrime)
      }
    }
    x = y
    height = factor.rows
  }
  return Float32Array.from(x)
}

const joined = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return new Uint8Array(Buffer.concat(parts))
}

const machineFindings: MachineFindings = {
  part: 'machine',
  vector: pinnedVector.outputs.map(({ digest }) => digest as Digest),
  memory: { bytes: 1_000_000, tookUs: 100 },
  disk: { bytes: 1_000_000, writeUs: 1_000, readUs: 500 },
  gpus: [],
}

export const createStageMachine = ({ world, signer, domain, blobFor }: StageMachineModules): StageMachine => {
  const held = new Map<Cid, Uint8Array>()
  const networkMs = 20
  let isOpen = true

  const fetch = async (cid: Cid): Promise<Uint8Array> => {
    const bytes = blobFor(peer, cid)
    if (bytes === undefined) throw new MusterError({ code: 'blob_missing', message: 'Not lent.', facts: { cid } })
    await sleep(world, networkMs)
    return joined(bytes)
  }

  const find = async ({ challenge: { record } }: LinkRequest<'benchmark'>): Promise<BenchmarkFindings> => {
    const { seed, work } = record
    if (work.part === 'machine') {
      await sleep(world, 5)
      return machineFindings
    }
    if (work.part === 'network') {
      const honest = () => fetch(work.blob)
      const bytes = await (machine.script.fetch === undefined ? honest() : machine.script.fetch(honest))
      held.set(work.blob, bytes)
      return { part: 'network', proof: networkProof(seed, bytes) }
    }
    const chain = chainOf(seed, work)
    const dims = [chain.sizes.at(-1) ?? 0, work.columns]
    const output = encodeTensor({
      dtype: 'float32',
      dims,
      data: machine.script.cells?.(multiply(chain)) ?? multiply(chain),
    })
    const ms = chain.flops / (machine.gflops * 1e6)
    await sleep(world, ms)
    const cid = cidOf(output)
    held.set(cid, output)
    return { part: 'compute', output: cid, prepareUs: 0, runUs: Math.floor(ms * 900) }
  }

  const answer = async (request: LinkRequest<'benchmark'>): Promise<SignedBenchmarkResult> => {
    machine.asked.push(request)
    const honest = await find(request)
    const found = (await machine.script.found?.(honest, request)) ?? honest
    const { record } = request.challenge
    const signed = signRecord(signer, domain, {
      kind: 'benchmark-result' as const,
      market: domain.market,
      provider: signer.address,
      challenge: digestOf(record),
      execSpec: execSpecDigest,
      found,
      at: world.now(),
    })
    const said = (await machine.script.answer?.(signed, request)) ?? signed
    machine.answered.push(said)
    return said
  }

  const peer: AgentPeer = {
    provider: signer.address,
    epoch: 1,
    call: <Call extends LinkCall>(call: Call, request: LinkRequest<Call>, { timeoutMs }: { timeoutMs: number }) =>
      new Promise<LinkResponse<Call>>((resolve, reject) => {
        if (!isOpen) return reject(linkClosed('lost'))
        if (call !== 'benchmark') return reject(new MusterError({ code: 'not_found', message: 'No such call.' }))
        world.after(timeoutMs, () => reject(new MusterError({ code: 'timeout', message: 'The agent did not answer.' })))
        answer(request as LinkRequest<'benchmark'>).then((said) => resolve(said as LinkResponse<Call>), reject)
      }),
    send: () => {},
    putBlob: async () => {},
    getBlob: async function* (cid) {
      const bytes = held.get(cid)
      if (bytes === undefined) throw new MusterError({ code: 'blob_missing', message: 'Not held.', facts: { cid } })
      const { give, dripMs } = machine.script
      const given = give?.(bytes) ?? bytes
      const pieceBytes = dripMs === undefined ? given.length : 1
      for (let at = 0; at < given.length; at += pieceBytes) {
        await sleep(world, dripMs ?? networkMs)
        yield given.subarray(at, at + pieceBytes)
      }
    },
    close: () => {
      isOpen = false
    },
  }

  const machine: StageMachine = {
    peer,
    script: {},
    gflops: 10,
    asked: [],
    answered: [],
    close: () => peer.close('lost'),
  }
  return machine
}
