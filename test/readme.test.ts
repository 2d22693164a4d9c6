import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buildModelBytes } from '@muster/graph'
import { expect, test } from 'vitest'
import { runScript } from './scene/run-script.ts'
import { noopAgents, startTestNetwork } from './scene/test-network.ts'

const root = path.join(import.meta.dirname, '..')

/** Modules are found from where a file lies, so the example lies in a directory of the checkout that git ignores. */
const makeFolder = async (): Promise<string> => {
  const home = path.join(root, '.muster')
  await mkdir(home, { recursive: true, mode: 0o700 })
  return mkdtemp(path.join(home, 'readme-'))
}

test('the example of the README runs as it stands, on a network', async () => {
  const readme = await readFile(path.join(root, 'README.md'), 'utf8')
  const code = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? ''
  const value = (name: string) => ({ name, dtype: 'float32' as const, dims: [3] })
  const nodes = [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }]
  const folder = await makeFolder()
  const network = await startTestNetwork({ agents: noopAgents([1]) })
  try {
    await writeFile(
      path.join(folder, 'model.onnx'),
      buildModelBytes({ nodes, inputs: [value('x')], outputs: [value('y')] }),
    )
    await writeFile(path.join(folder, 'example.ts'), code)
    const env = { MUSTER_URL: network.devnet.url, MUSTER_API_KEY: network.devnet.apiKey }
    const { exitCode, stdout, stderr } = await runScript(path.join(folder, 'example.ts'), [], { cwd: folder, env })
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('2, 4, 6')
    expect(stdout).toContain(network.devnet.agents[0]?.provider)
    expect(stdout).toContain('$0.00000001')
  } finally {
    await network.close()
    await rm(folder, { recursive: true, force: true })
  }
})
