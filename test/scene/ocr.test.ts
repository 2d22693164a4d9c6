import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runScript } from './run-script.ts'

const root = path.join(import.meta.dirname, '..', '..')
const start = path.join(root, 'devnet', 'start.ts')
const shipped = path.join(root, 'examples', 'ocr', 'page', 'shipped')

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'muster-ocr-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

test('npm start -- --once: the shipped pages are read right although an agent is killed, and every task has one receipt', async () => {
  const { exitCode, stdout, stderr } = await runScript(start, ['--once', '--out', folder])
  expect(stdout, stderr).toContain('Done and right.')
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/was killed with SIGKILL while it held \d+ running attempts? of job_/)
  expect(stdout).toMatch(/was lost with \d+ attempts? of (detection|recognition); done again by/)
  expect(stdout).toContain('all as shipped, bit for bit')
  expect(await readdir(path.join(folder, 'text'))).toHaveLength(28)
  const receipts = await readdir(path.join(folder, 'receipts'))
  expect(receipts.filter((name) => name.endsWith('.json'))).toHaveLength(459)
  const verify = ['receipt', 'verify', path.join(folder, 'receipts')]
  const verified = await runScript(path.join(root, 'cli', 'main.ts'), verify, { env: { MUSTER_HOME: folder } })
  expect(verified.exitCode, verified.stdout + verified.stderr).toBe(0)
}, 600_000)

test('npm start -- --once --input: images of one’s own are read', async () => {
  const scans = path.join(folder, 'scans')
  await mkdir(scans)
  for (const name of ['page-01.png', 'page-03.png']) await copyFile(path.join(shipped, name), path.join(scans, name))
  const out = path.join(folder, 'out')
  const { exitCode, stdout, stderr } = await runScript(start, ['--once', '--input', scans, '--out', out])
  expect(stdout, stderr).toContain('Done.')
  expect(exitCode).toBe(0)
  expect(await readdir(path.join(out, 'text'))).toEqual(['page-01.txt', 'page-03.txt'])
}, 300_000)

test('an image that is none is refused by name before anything is charged', async () => {
  const file = path.join(folder, 'broken.png')
  await writeFile(file, 'not an image')
  const { exitCode, stdout, stderr } = await runScript(start, ['--once', '--input', file, '--out', folder])
  expect(exitCode).toBe(1)
  expect(stdout + stderr).toContain('broken.png')
  expect(stdout + stderr).toContain('neither a PNG nor a JPEG')
}, 120_000)
