import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdDirectory } from './hold-directory.ts'

const makeDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-hold-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

test('a directory that a running process holds is refused, with its pid', async () => {
  const directory = await makeDirectory()
  await writeFile(path.join(directory, 'devnet.pid'), String(process.ppid))
  await expect(holdDirectory(directory)).rejects.toThrow(`pid ${process.ppid}`)
})

test('what a dead process left behind is taken over, and let go again', async () => {
  const directory = await makeDirectory()
  await writeFile(path.join(directory, 'devnet.pid'), '999999999')
  const release = await holdDirectory(directory)
  expect(await readdir(directory)).toEqual(['devnet.pid'])
  await release()
  expect(await readdir(directory)).toEqual([])
})
