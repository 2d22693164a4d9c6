import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryDirectory } from './stage/temporary-directory.ts'
import { agentOptionNames } from './written-options.ts'

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const main = path.join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const ended = once(child, 'close').then(([exit]: unknown[]) => ({ exit, out, err }))
  return { child, ended, said: () => out }
}

/** Nothing listens here. */
const nowhere = 'http://127.0.0.1:9'

test('help says of every flag what it means, its default and its variable', async () => {
  const { exit, out } = await run(['--help']).ended
  expect(exit).toBe(0)
  expect(out).toContain(
    '  --market-url VALUE                  MUSTER_AGENT_MARKET_URL\n' +
      '      Markets to sell to, with commas between them, and + between the URLs of nodes of one; where\n' +
      '      not said, those of `muster agent market add`, or http://127.0.0.1:7600 without any.\n',
  )
  expect(out).toContain('  --idle-only                         MUSTER_AGENT_IDLE_ONLY\n')
  expect(out).toContain('  --log-format json|text              MUSTER_AGENT_LOG_FORMAT\n')
  const options = out.split('\n  --').slice(1)
  expect(options).toHaveLength(['config', ...agentOptionNames].length)
  for (const option of options) expect(option).toMatch(/^\S+ (\S+ +| +)MUSTER_AGENT_[A-Z_]+\n {6}[A-Z]\S* \S[^]*\.\n?$/)
  for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
})

test('wrong options are all named, by the flag they are written with', async () => {
  const { exit, err } = await run(['--country', 'Germany', '--slot-memory-mib', '1']).ended
  expect(exit).toBe(2)
  expect(err).toContain('--country: expected two capitals')
  expect(err).toContain('--slot-memory-mib:')
})

test('a flag that does not exist is refused', async () => {
  const { exit, err } = await run(['--speed', 'high']).ended
  expect(exit).toBe(2)
  expect(err).toContain('--speed')
})

test('a flag counts before the environment, and that before the file', async () => {
  const directory = await temporaryDirectory()
  const config = path.join(directory, 'agent.json')
  await writeFile(config, JSON.stringify({ region: 'NOT A REGION', country: 'nor this', attributes: { name: 'x' } }))
  const { exit, err } = await run(['--config', config, '--region', 'eu'], { MUSTER_AGENT_COUNTRY: 'no' }).ended
  expect(exit).toBe(2)
  expect(err.split('\n')[0]).toBe('✗ --country: expected two capitals, found "no".')
})

test('a price file that cannot be used stops it with a sentence', async () => {
  const directory = await temporaryDirectory()
  const { exit, err } = await run(['--data-directory', directory, '--price-file', path.join(directory, 'none.json')])
    .ended
  expect(exit).toBe(1)
  expect(err).toMatch(/The agent did not start: The price file .* cannot be read\./)
})

test('what prices make of an order is said without a market, and the exit status says whether there is a price', async () => {
  const directory = await temporaryDirectory()
  const order = path.join(directory, 'order.yaml')
  await writeFile(order, 'apiVersion: muster/v1\ntasks: { count: 2 }\nmaxPrice: 0.001 USD per task\n')
  expect(await run(['price', order]).ended).toMatchObject({
    exit: 0,
    out: expect.stringMatching(/^\$0\.000001 per task and slot, for 2 slots of noop\n/),
    err: '',
  })
  await writeFile(order, 'apiVersion: muster/v1\ntasks: { count: 2 }\nmaxPrice: 0.001 USD per hour\n')
  expect((await run(['price', order]).ended).exit).toBe(4)
})

test('a price file is taken up while it runs, and one that cannot be used is said', async () => {
  const directory = await temporaryDirectory()
  const prices = path.join(directory, 'prices.yaml')
  const good = 'apiVersion: muster/v1\nkind: prices\nruntimes: { noop: { task: 0.000001 } }\n'
  await writeFile(prices, good)
  const address = `0x${'ab'.repeat(20)}`
  const args = ['--data-directory', directory, '--market-url', nowhere, '--market-address', address]
  const { child, ended, said } = run([...args, '--price-file', prices])
  const hear = async (text: string) => {
    while (!said().includes(text)) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await hear('the market cannot be reached')
  await writeFile(prices, `${good}colour: red\n`)
  await hear('the price file cannot be used')
  expect(said()).toContain('colour')
  await writeFile(prices, `${good}minimum: { task: 0.000002 }\n`)
  await hear('the price file has changed')
  child.kill('SIGTERM')
  expect((await ended).exit).toBe(0)
})

test('it waits for a market that is away, in JSON lines without its key, and ends when told to', async () => {
  const directory = await temporaryDirectory()
  const { child, ended, said } = run(['--data-directory', directory, '--market-url', nowhere])
  while (!said().includes('waiting for the market')) await new Promise((resolve) => setTimeout(resolve, 20))
  child.kill('SIGTERM')
  const { exit, out } = await ended
  expect(exit).toBe(0)
  const key = (await readFile(path.join(directory, 'agent.key'), 'utf8')).trim()
  expect(out).not.toContain(key)
  expect(out).not.toContain(key.slice(2))
  for (const line of out.trim().split('\n'))
    expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String), level: expect.any(String) })
})

test('a drain without a link ends by itself, and a second agent in its directory is turned away meanwhile', async () => {
  const directory = await temporaryDirectory()
  const address = `0x${'ab'.repeat(20)}`
  const args = ['--data-directory', directory, '--market-url', nowhere, '--market-address', address]
  const first = run(args)
  while (!first.said().includes('the market cannot be reached')) await new Promise((resolve) => setTimeout(resolve, 20))
  const second = await run(args).ended
  expect(second.exit).toBe(1)
  expect(second.err).toContain('Another agent is using this data directory')
  first.child.kill('SIGTERM')
  expect((await first.ended).exit).toBe(0)
})
