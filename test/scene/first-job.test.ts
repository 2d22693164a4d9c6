import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { firstJobFiles } from '../../examples/first-job/make-files.ts'
import { runScript } from './run-script.ts'
import { noopAgents, startTestNetwork } from './test-network.ts'

const root = path.join(import.meta.dirname, '..', '..')
const folder = path.join(root, 'examples', 'first-job')

test('the files of the first job are what its script makes', async () => {
  for (const [name, bytes] of Object.entries(firstJobFiles())) {
    expect((await readFile(path.join(folder, name))).equals(bytes), name).toBe(true)
  }
})

test('the first job of the tenant’s guide runs from the command line, and its bill checks offline', async () => {
  const out = await mkdtemp(path.join(tmpdir(), 'muster-first-job-'))
  onTestFinished(() => rm(out, { recursive: true, force: true }))
  const network = await startTestNetwork({ agents: noopAgents([2]) })
  onTestFinished(() => network.close())
  const env = { MUSTER_URL: network.devnet.url, MUSTER_API_KEY: network.devnet.apiKey, MUSTER_HOME: out }
  const muster = (...args: string[]) => runScript(path.join(root, 'cli', 'main.ts'), args, { cwd: folder, env })

  const submitted = await muster('job', 'submit', 'squares.yaml', '--fetch', path.join(out, 'outputs'))
  expect(submitted.exitCode, submitted.stdout + submitted.stderr).toBe(0)
  const files = await readdir(path.join(out, 'outputs'), { recursive: true })
  expect(files.filter((name) => name.endsWith('.tensor'))).toHaveLength(4)

  const [job] = await network.muster.listJobs()
  const written = await muster('receipt', 'list', job?.id ?? '', '--out', path.join(out, 'receipts'))
  expect(written.exitCode, written.stdout + written.stderr).toBe(0)
  const verified = await muster('receipt', 'verify', path.join(out, 'receipts'))
  expect(verified.exitCode, verified.stdout + verified.stderr).toBe(0)
}, 120_000)
