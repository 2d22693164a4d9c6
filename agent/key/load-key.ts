import { fromHex, hexSchema, MusterError, toHex, type World } from '@muster/protocol'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

const makeKey = async (file: string, world: World): Promise<void> => {
  const unfinished = `${file}.${toHex(world.random(8)).slice(2)}`
  await writeFile(unfinished, `${toHex(world.random(32))}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(unfinished, file)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  } finally {
    await rm(unfinished, { force: true })
  }
}

/** The provider's private key (32 bytes) from `agent.key` in the data directory; made there, for its owner's eyes only, on the first start. Throws `request_invalid`. */
export const loadKey = async (dataDirectory: string, world: World): Promise<Uint8Array> => {
  const file = path.join(dataDirectory, 'agent.key')
  const read = () => readFile(file, 'utf8')
  const text = await read().catch(async (error: unknown) => {
    if (!isCode(error, 'ENOENT')) throw error
    await makeKey(file, world)
    return read()
  })
  const parsed = hexSchema(32).safeParse(text.trim())
  if (parsed.success) return fromHex(parsed.data)
  throw new MusterError({
    code: 'request_invalid',
    message: 'The key file of this agent does not hold a key: expected 0x and 64 hexadecimal digits.',
    facts: { file },
  })
}
