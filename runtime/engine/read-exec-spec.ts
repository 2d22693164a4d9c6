import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { execSpec, type ExecSpec } from '@muster/graph'
import { MusterError } from '@muster/protocol'

const engineFile = fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))

/** The folder of the installed engine. */
export const engineFolder = path.resolve(path.dirname(engineFile), '..')

const unpinned = (path: string, expected: string, found: string, cause?: unknown): MusterError =>
  new MusterError({
    code: 'runtime_unpinned',
    message: `This machine cannot run programs reproducibly: ${path} is ${found}, and the exec spec pins ${expected}. Reinstall the dependencies.`,
    facts: { path, expected, found },
    cause,
  })

const installedVersion = async (): Promise<string> => {
  const manifest: unknown = JSON.parse(await readFile(path.join(engineFolder, 'package.json'), 'utf8'))
  const isNamed = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return isNamed ? String(manifest.version) : 'unknown'
}

/**
 * The exec spec, after checking that the engine installed here is the one it pins, byte for byte.
 * Throws `runtime_unpinned` where it is another or missing.
 */
export const readExecSpec = async (pinned: ExecSpec = execSpec): Promise<ExecSpec> => {
  const hash = createHash('sha256')
  let version: string
  try {
    version = await installedVersion()
    await pipeline(createReadStream(engineFile), hash)
  } catch (cause) {
    throw unpinned('engine', `${pinned.engine} ${pinned.engineVersion}`, 'missing', cause)
  }
  if (version !== pinned.engineVersion) throw unpinned('engineVersion', pinned.engineVersion, version)
  const binary = `0x${hash.digest('hex')}`
  if (binary !== pinned.engineBinary) throw unpinned('engineBinary', pinned.engineBinary, binary)
  return pinned
}
