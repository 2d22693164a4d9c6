import { execFileSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

/** All processes below one, at any depth. */
const childrenOf = (parent: number): readonly number[] => {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number))
  const below = (pid: number): number[] =>
    rows.flatMap(([child = 0, of]) => (of === pid ? [child, ...below(child)] : []))
  return below(parent)
}

/**
 * The Postgres of this directory stands still with all its connections open, as behind a network that carries nothing: it refuses nobody and
 * answers nobody. Resolves to what lets it go on.
 */
export const freezePostgres = async (directory: string): Promise<() => void> => {
  const files = await readdir(directory, { recursive: true })
  const file = files.find((name) => path.basename(name) === 'postmaster.pid')
  if (file === undefined) throw new Error(`no Postgres runs on ${directory}`)
  const [line = ''] = (await readFile(path.join(directory, file), 'utf8')).split('\n')
  const postmaster = Number(line)
  process.kill(postmaster, 'SIGSTOP')
  const stopped = [postmaster, ...childrenOf(postmaster)]
  for (const pid of stopped) process.kill(pid, 'SIGSTOP')
  return () => {
    for (const pid of stopped) process.kill(pid, 'SIGCONT')
  }
}
