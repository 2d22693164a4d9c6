import { decodeManifest, execSpecDigest, requireInputs, type ProgramManifest } from '@muster/graph'
import { MusterError, type Cid } from '@muster/protocol'
import type { RuntimePool } from '@muster/runtime'
import type { ReadBlob, Workload } from '../workload.ts'

const rememberedPrograms = 256

const noProgram = (): MusterError =>
  new MusterError({ code: 'program_refused', message: 'An attempt of the runtime graph needs a program.' })

const foreignSpec = (program: Cid, found: string): MusterError =>
  new MusterError({
    code: 'program_refused',
    message: 'This program was published for another exec spec than this machine runs; publish it again.',
    facts: { program, expected: execSpecDigest, found },
  })

const requireNames = (inputs: readonly { readonly name: string }[]): void => {
  const names = new Set<string>()
  for (const { name } of inputs) {
    if (names.has(name)) {
      throw new MusterError({
        code: 'tensor_invalid',
        message: `The input ${name} is given twice.`,
        facts: { path: `inputs.${name}`, expected: 'one tensor', found: 'two' },
      })
    }
    names.add(name)
  }
}

/**
 * ONNX programs in the pinned runtime, each run in a child process of the pool, none shared between tenants. The pool's
 * processes are the slots of this machine. Inputs are checked against the program here, element by element in the child.
 */
export const createGraphWorkload = ({ pool }: { readonly pool: RuntimePool }): Workload => {
  const programs = new Map<Cid, ProgramManifest>()

  const manifestOf = async (program: Cid, readBlob: ReadBlob, signal: AbortSignal): Promise<ProgramManifest> => {
    const known = programs.get(program)
    if (known !== undefined) return known
    const manifest = decodeManifest(await readBlob(program, signal))
    if (manifest.execSpec !== execSpecDigest) throw foreignSpec(program, manifest.execSpec)
    const [oldest] = programs.keys()
    if (programs.size >= rememberedPrograms && oldest !== undefined) programs.delete(oldest)
    programs.set(program, manifest)
    return manifest
  }

  return {
    kind: 'graph',
    execSpec: execSpecDigest,
    prepare: async (program, readBlob, signal) => {
      if (program === null) throw noProgram()
      if (programs.has(program)) return
      const { model } = await manifestOf(program, readBlob, signal)
      await readBlob(model, signal)
    },
    run: async ({ program, group, inputs, limits, readBlob, log }, signal) => {
      if (program === null) throw noProgram()
      requireNames(inputs)
      const manifest = await manifestOf(program, readBlob, signal)
      const blobs = new Map<string, Uint8Array>()
      for (const { name, cid } of inputs) blobs.set(name, await readBlob(cid, signal))
      requireInputs(manifest, blobs)
      const { outputs, meter } = await pool.run({
        program: { cid: program, model: () => readBlob(manifest.model, signal) },
        inputs: blobs,
        group,
        signal,
        limits: { timeoutMs: limits.timeoutMs },
      })
      log(
        `ran ${meter.operators} operators: loading ${Math.round(meter.loadMs)} ms, all ${Math.round(meter.wallMs)} ms`,
      )
      return {
        outputs: [...outputs].map(([name, bytes]) => ({ name, bytes })),
        cpuMs: meter.cpuMs,
        peakMemoryBytes: meter.peakRssBytes,
      }
    },
    stop: () => pool.close(),
  }
}
