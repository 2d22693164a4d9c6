import { chmod, open, readFile } from 'node:fs/promises'
import { MusterError } from '@muster/protocol'

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

/** A secret of 32 bytes kept in a file of its own that only its owner may read; made where there is none. */
export const secretFile = async (file: string, random: (byteCount: number) => Uint8Array): Promise<Uint8Array> => {
  try {
    const handle = await open(file, 'wx', 0o600)
    const secret = random(32)
    await handle.writeFile(`${Buffer.from(secret).toString('hex')}\n`)
    await handle.sync()
    await handle.close()
    return secret
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  const text = (await readFile(file, 'utf8')).trim()
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new MusterError({
      code: 'internal',
      message: `The file ${file} should hold a secret of 64 hexadecimal digits and does not; restore it from a backup.`,
      facts: { file },
    })
  }
  await chmod(file, 0o600)
  return Buffer.from(text, 'hex')
}
