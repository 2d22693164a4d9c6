import { mkdir, open, readFile, rm } from 'node:fs/promises'
import path from 'node:path'

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Takes a directory for this process alone; gives what lets it go again. Throws where a running process holds it. */
export const holdDirectory = async (directory: string): Promise<() => Promise<void>> => {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const file = path.join(directory, 'devnet.pid')
  const holder = Number(await readFile(file, 'utf8').catch(() => ''))
  if (holder > 0 && holder !== process.pid && isRunning(holder)) {
    throw new Error(`A network already runs here (pid ${holder}, in ${directory}). Stop it first, or use that one.`)
  }
  await rm(file, { force: true })
  const handle = await open(file, 'wx', 0o600)
  await handle.writeFile(String(process.pid))
  await handle.close()
  return () => rm(file, { force: true })
}
