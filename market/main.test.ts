import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { marketOptionNames } from './options.ts'

const run = async (args: readonly string[]) => {
  const main = path.join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, out, err }
}

test('help says of every flag what it means, its default and its variable', async () => {
  const { exit, out } = await run(['--help'])
  expect(exit).toBe(0)
  expect(out).toContain(
    '  --bond-usd-per-slot VALUE           MUSTER_MARKET_BOND_USD_PER_SLOT\n' +
      '      Dollars of a provider’s stake that a lease ties up for each slot. Default 0.01.\n',
  )
  expect(out).toContain('  --log-level debug|info|warn|error   MUSTER_MARKET_LOG_LEVEL\n')
  const options = out.split('\n  --').slice(1)
  expect(options).toHaveLength(marketOptionNames.length)
  for (const option of options) expect(option).toMatch(/^\S+ \S+ +MUSTER_MARKET_[A-Z_]+\n {6}[A-Z]\S* \S[^]*\.\n?$/)
})

test('wrong options are all named by their flags', async () => {
  const { exit, err } = await run(['--port', '70000', '--bond-usd-per-slot', 'a cent'])
  expect(exit).toBe(2)
  expect(err).toContain('--port: ')
  expect(err).toContain('--bond-usd-per-slot: expected dollars such as 0.25')
})

test('one of several nodes needs a database that others can reach', async () => {
  const { exit, err } = await run(['--nats-url', 'nats://127.0.0.1:4222'])
  expect(exit).toBe(2)
  expect(err).toContain(
    '✗ --database-url: several nodes share one Postgres: give it with --nats-url, or leave both out.\n',
  )
})

test('an option that is none is said with the one that was meant, a wrong database without its password', async () => {
  const misspelled = await run(['--prot', '7600'])
  expect(misspelled.err).toContain("✗ Unknown option '--prot'. Did you mean --port?\n")
  const wrong = await run(['--database-url', 'muster:secret@127.0.0.1'])
  expect(wrong.err).toContain('✗ --database-url: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE.\n')
  expect(wrong.err).not.toContain('secret')
  expect([misspelled.exit, wrong.exit]).toEqual([2, 2])
})

test('a port that is taken is said before anything is made', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-market-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const other = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { exit, out, err } = await run(['--port', String(port), '--data-directory', path.join(directory, 'market')])
  expect(err).toBe(
    `✗ The market did not start: Port ${port} of 127.0.0.1 is taken; stop what listens there, or choose another with --port.\n`,
  )
  expect([exit, out]).toEqual([2, ''])
  expect(await readdir(directory)).toEqual([])
})
