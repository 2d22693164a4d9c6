import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = path.join(import.meta.dirname, '..')
const modules = path.join(root, 'node_modules')

const imports = 'eslint(no-restricted-imports)'
const properties = 'eslint(no-restricted-properties)'
const globals = 'eslint(no-restricted-globals)'

const importing = (name: string): string => `export { something } from '${name}'\n`

type Case = readonly [what: string, file: string, source: string, rule: string]

const directions: readonly Case[] = [
  ['node: in protocol', 'protocol/a.ts', importing('node:fs'), imports],
  ['a deeper node: in protocol', 'protocol/b.ts', importing('node:fs/promises'), imports],
  ['node: by its old name in protocol', 'protocol/c.ts', importing('fs'), 'unicorn(prefer-node-protocol)'],
  ['another workspace in protocol', 'protocol/d.ts', importing('@muster/graph'), imports],
  ['node: in graph', 'graph/a.ts', importing('node:path'), imports],
  ['a higher workspace in graph', 'graph/b.ts', importing('@muster/runtime'), imports],
  ['a program in runtime', 'runtime/a.ts', importing('@muster/agent'), imports],
  ['node: in sdk', 'sdk/job/a.ts', importing('node:fs'), imports],
  ['a deeper node: in sdk', 'sdk/job/b.ts', importing('node:stream/web'), imports],
  ['a program in sdk', 'sdk/c.ts', importing('@muster/market'), imports],
  ['agent in market', 'market/job/a.ts', importing('@muster/agent'), imports],
  ['agent in market, loaded late', 'market/b.ts', "export const load = async () => import('@muster/agent')\n", imports],
  ['types of agent in market', 'market/c.ts', "export type { Agent } from '@muster/agent'\n", imports],
  ['the runtime in market', 'market/d.ts', importing('@muster/runtime'), imports],
  ['market in agent', 'agent/lease/a.ts', importing('@muster/market'), imports],
  ['sdk in agent', 'agent/b.ts', importing('@muster/sdk'), imports],
  ['a program in cli', 'cli/a.ts', importing('@muster/agent'), imports],
  ['what no application imports in an example', 'examples/ocr/a.ts', importing('@muster/protocol'), imports],
]

const worlds: readonly Case[] = [
  ['Date.now in market', 'market/now.ts', 'export const now = () => Date.now()\n', properties],
  ['performance.now in agent', 'agent/now.ts', 'export const now = () => performance.now()\n', properties],
  ['process.hrtime in market', 'market/hr.ts', 'export const now = () => process.hrtime.bigint()\n', properties],
  ['setTimeout in agent', 'agent/timer.ts', 'export const wait = () => setTimeout(() => {}, 1)\n', globals],
  ['setInterval in market', 'market/timer.ts', 'export const beat = () => setInterval(() => {}, 1)\n', globals],
  [
    'globalThis.setTimeout',
    'agent/hidden.ts',
    'export const wait = () => globalThis.setTimeout(() => {}, 1)\n',
    properties,
  ],
  ['setTimeout of node:timers', 'agent/sleep.ts', "export { setTimeout } from 'node:timers/promises'\n", imports],
  ['Math.random in protocol', 'protocol/dice.ts', 'export const dice = () => Math.random()\n', properties],
  ['Math.random by another name', 'protocol/other.ts', 'export const { random } = Math\n', properties],
  ['randomBytes in market', 'market/dice.ts', "export { randomBytes } from 'node:crypto'\n", imports],
  ['crypto.randomUUID in agent', 'agent/dice.ts', 'export const name = () => crypto.randomUUID()\n', properties],
  ['fetch in graph', 'graph/ask.ts', "export const ask = async () => fetch('https://muster.example')\n", globals],
]

const habits: readonly Case[] = [
  [
    'a floating promise',
    'devnet/float.ts',
    'const work = async () => {}\nexport const begin = () => {\n  work()\n}\n',
    'typescript(no-floating-promises)',
  ],
  ['a default export', 'bench/default.ts', 'export default 1\n', 'import(no-default-export)'],
  ['any', 'sdk/any.ts', 'export const take = (value: any) => String(value)\n', 'typescript(no-explicit-any)'],
  [
    'a trusted null',
    'cli/null.ts',
    'export const first = (all: string[]) => all[0]!.length\n',
    'typescript(no-non-null-assertion)',
  ],
]

const allowed: readonly (readonly [what: string, file: string, source: string])[] = [
  ['the world itself reads the clock', 'protocol/world/system-world.ts', 'export const now = () => Date.now()\n'],
  ['a test reads the clock', 'market/now.test.ts', 'export const now = () => Date.now()\n'],
  ['market imports what is below it', 'market/below.ts', importing('@muster/graph') + importing('node:fs')],
  [
    'agent imports the runtime',
    'agent/below.ts',
    importing('@muster/runtime') + "export { createHash } from 'node:crypto'\n",
  ],
  ['devnet brings the programs together', 'devnet/all.ts', importing('@muster/market')],
]

describe('lint', () => {
  let directory: string
  let exitCode: number | null
  const found = new Map<string, string[]>()

  beforeAll(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'muster-lint-'))
    copyFileSync(path.join(root, '.oxlintrc.json'), path.join(directory, '.oxlintrc.json'))
    const tsconfig = { extends: path.join(root, 'tsconfig.json'), compilerOptions: { types: [] }, include: ['**/*.ts'] }
    writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify(tsconfig))
    for (const [, file, source] of [...directions, ...worlds, ...habits, ...allowed]) {
      mkdirSync(path.join(directory, path.dirname(file)), { recursive: true })
      writeFileSync(path.join(directory, file), source)
    }
    const linter = path.join(modules, 'oxlint', 'bin', 'oxlint')
    const run = spawnSync(process.execPath, [linter, '--type-aware', '--format', 'json', '.'], {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, OXLINT_TSGOLINT_PATH: path.join(modules, 'oxlint-tsgolint', 'bin', 'tsgolint.js') },
    })
    exitCode = run.status
    const { diagnostics } = JSON.parse(run.stdout) as { diagnostics: { code: string; filename: string }[] }
    for (const { code, filename } of diagnostics) {
      const file = filename.split(path.sep).join('/')
      found.set(file, [...(found.get(file) ?? []), code])
    }
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  test('fails where something is refused', () => expect(exitCode).toBe(1))

  test.each(directions)('refuses the import of %s', (_, file, __, rule) => {
    expect(found.get(file)).toEqual([rule])
  })

  test.each(worlds)('refuses %s: it comes from World', (_, file, __, rule) => {
    expect(found.get(file)).toEqual([rule])
  })

  test.each(habits)('refuses %s', (_, file, __, rule) => {
    expect(found.get(file)).toEqual([rule])
  })

  test.each(allowed)('lets it pass that %s', (_, file) => {
    expect(found.get(file)).toBeUndefined()
  })
})

describe('no workspace reaches into another by a path', () => {
  const { workspaces } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { workspaces: string[] }
  const reaching = ['test', 'bench']

  test.each(workspaces.filter((name) => !reaching.includes(name)))('%s', (name) => {
    const home = path.join(root, name)
    const files = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.split(path.sep).includes('node_modules'),
    )
    expect(files.length).toBeGreaterThan(0)
    const outside = files.flatMap((file) =>
      [...readFileSync(path.join(home, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)]
        .map(([, to]) => path.resolve(home, path.dirname(file), to ?? ''))
        .filter((to) => !to.startsWith(home + path.sep))
        .map((to) => `${file} → ${path.relative(root, to)}`),
    )
    expect(outside).toEqual([])
  })
})
