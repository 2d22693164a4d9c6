import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildModelBytes } from '@muster/graph'
import { encodeTensor } from '@muster/sdk'
import { fakeApiKey, startFakeMarket } from '@muster/sdk/fake'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { exitCodes } from './exit/exit-codes.ts'
import { openTestShell } from './fake/test-shell.ts'
import { jobFileSchema } from './job-file/job-file.ts'

const guide = async (name: string): Promise<string> =>
  readFile(path.join(import.meta.dirname, '../docs/guides', name), 'utf8')

const blocksOf = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block)

describe('docs/guides/tenant.md', () => {
  test('its job files are of the schema', async () => {
    const jobs = blocksOf(await guide('tenant.md'), 'yaml').filter((block) => block.includes('apiVersion'))
    expect(jobs).toHaveLength(6)
    for (const job of jobs) expect(jobFileSchema.safeParse(parse(job)).error).toBeUndefined()
  })

  test('its program runs', async () => {
    const [code = ''] = blocksOf(await guide('tenant.md'), 'ts')
    const output = encodeTensor({ dtype: 'float32', dims: [2], data: Float32Array.of(1, 100) })
    const market = await startFakeMarket({ run: () => new Map([['y', output]]) })
    const directory = await mkdtemp(path.join(tmpdir(), 'muster-guide-'))
    try {
      const model = buildModelBytes({
        inputs: [{ name: 'x', dtype: 'float32', dims: [2] }],
        outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
        nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
      })
      const sdk = path.join(import.meta.dirname, '../sdk/index.ts')
      const whole = code
        .replace("'@muster/sdk'", JSON.stringify(sdk))
        .replaceAll('process.env.MUSTER_URL', JSON.stringify(market.url))
        .replaceAll('process.env.MUSTER_API_KEY', JSON.stringify(fakeApiKey))
        .replaceAll('console.log', 'log.push')
      const file = path.join(directory, 'guide.ts')
      await writeFile(
        file,
        `const modelBytes = Uint8Array.from(${JSON.stringify([...model])})\nexport const results = [], log = []\n${whole}`,
      )
      const ran = (await import(file)) as { results: unknown[]; log: string[] }
      expect(ran.results).toHaveLength(3)
      expect(ran.log[0]).toMatch(/^task 0 by 0x[0-9a-f]{40} for \$0\.0000005$/)
    } finally {
      await market.close()
      await rm(directory, { recursive: true })
    }
  })
})

describe('docs/guides/cli.md', () => {
  test('names every exit status', async () => {
    const text = await guide('cli.md')
    for (const status of Object.values(exitCodes)) expect(text).toMatch(new RegExp(`^\\| ${status} \\|`, 'm'))
  })

  test('names every command', async () => {
    const text = await guide('cli.md')
    const shell = await openTestShell()
    const commandsOf = async (...of: string[]) =>
      [...(await shell.run([...of, '--help'])).out.matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map(([, name = '']) => name)
    try {
      for (const noun of await commandsOf()) {
        expect(text).toContain(`muster ${noun}`)
        if (['up', 'market', 'agent', 'statement'].includes(noun)) continue
        const verbs = await commandsOf(noun)
        expect(verbs.length).toBeGreaterThan(0)
        expect(verbs.filter((verb) => !text.includes(`\`muster ${noun} ${verb}`))).toEqual([])
      }
    } finally {
      await shell.close()
    }
  })
})
