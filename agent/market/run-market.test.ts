import { addressSchema, MusterError } from '@muster/protocol'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { stageSigner } from '../stage/stage-agent.ts'
import { temporaryDirectory } from '../stage/temporary-directory.ts'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import { newMarketRecord } from './market-record.ts'
import { parseMarketFile, targetMarkets } from './market-file.ts'
import { runMarket } from './run-market.ts'
import { createStatusWriter, statusFileOf } from './status-file.ts'

const address = addressSchema.parse(`0x${'aa'.repeat(20)}`)
const url = 'https://market.example'

const openShell = async () => {
  const directory = await temporaryDirectory()
  const world = createVirtualWorld(1)
  const run = async (...args: string[]) => {
    const said = { out: '', err: '' }
    const status = await runMarket(args, {
      writeOut: (text) => void (said.out += text),
      writeError: (text) => void (said.err += text),
      env: { MUSTER_AGENT_DATA_DIRECTORY: directory },
      now: world.now,
      ask: async (asked) => {
        if (asked.includes('gone')) throw new MusterError({ code: 'unavailable', message: `${asked} is gone.` })
        return {
          address,
          chainId: 1,
          version: '0',
          now: 0,
          maxBlobBytes: 1,
          linkedAgents: 0,
          feeBasisPoints: 0,
        } as never
      },
    })
    return { status, ...said }
  }
  const file = path.join(directory, 'markets.json')
  return { directory, world, file, run, read: async () => JSON.parse(await readFile(file, 'utf8')) as unknown }
}

describe('muster agent market', () => {
  test('adds a market held to the address it has now, and removes it again', async () => {
    const { file, run, read } = await openShell()
    expect(await run('add', `${url}/`)).toMatchObject({ status: 0, err: '' })
    expect(await read()).toEqual({ markets: [{ url, address }], left: [] })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await run('add', url)
    expect(await read()).toEqual({ markets: [{ url, address }], left: [] })
    expect(await run('remove', url, '--forget')).toMatchObject({ status: 0 })
    expect(await read()).toEqual({ markets: [], left: [{ url, isForgotten: true }] })
    await run('add', url)
    expect(await read()).toEqual({ markets: [{ url, address }], left: [] })
  })

  test('says that a second URL is of a market it has, and shows both as one', async () => {
    const { directory, world, run } = await openShell()
    await run('add', url)
    const { out } = await run('add', 'https://other-name.example')
    expect(out).toContain(`is another way to ${url}: one market, with the address ${address}`)
    const write = createStatusWriter(statusFileOf(directory), {
      world,
      provider: stageSigner('agent').address,
      chainId: 1,
    })
    await write([{ url: `${url}+https://other-name.example`, address, problem: null, status: null }])
    const shown = JSON.parse((await run('list', '--json')).out) as { markets: { url: string }[] }
    expect(shown.markets.map((market) => market.url)).toEqual([`${url}+https://other-name.example`])
    await run('remove', url)
    await run('remove', 'https://other-name.example')
    expect(JSON.parse((await run('list', '--json')).out)).toMatchObject({ markets: [] })
  })

  test('adds one that is out of reach only with its address', async () => {
    const { run, read } = await openShell()
    expect(await run('add', 'https://gone.example')).toEqual({
      status: 3,
      out: '',
      err: '✗ https://gone.example is gone.\n',
    })
    expect((await run('add', 'https://gone.example', '--address', address)).status).toBe(0)
    expect(await read()).toMatchObject({ markets: [{ url: 'https://gone.example' }] })
  })

  test.each([
    [[], 'Say what to do'],
    [['sell', url], 'Say what to do'],
    [['add'], 'Name the market by its URL'],
    [['add', 'market.example'], 'Name the market by its URL'],
    [['add', 'ftp://market.example'], 'Name the market by its URL'],
    [['add', url, '--address', '0x1'], '--address'],
    [['add', url, 'https://other.example'], 'One market at a time'],
    [['list', url], 'Say what to do'],
    [['add', url, '--speed'], '--speed'],
  ])('refuses %j', async (args, message) => {
    const { run } = await openShell()
    const { status, err } = await run(...args)
    expect(status).toBe(2)
    expect(err).toContain(message)
    expect(JSON.parse((await run(...args, '--json')).out)).toHaveProperty('error')
  })

  test('lists what was added before any agent ran, and what a running one says', async () => {
    const { directory, world, run } = await openShell()
    expect((await run('list')).out).toContain('No markets yet')
    await run('add', url)
    expect((await run('list')).out).toContain('No agent has run here yet')
    const provider = stageSigner('agent').address
    const write = createStatusWriter(statusFileOf(directory), { world, provider, chainId: 1 })
    const record = { ...newMarketRecord, leased: 9, lapsed: 3, claimed: 40, restsUntil: world.now() + 20_000 }
    const status = {
      market: address,
      phase: 'linked' as const,
      problem: null,
      reserved: 1,
      leased: 2,
      unsettled: 3,
      record,
    }
    await write([
      { url, address, problem: null, status },
      { url: 'https://b\u001b[2Jad.example', address: null, problem: null, status: null },
    ])
    expect((await run('list')).out).toMatchInlineSnapshot(`
      "  MARKET                        STATE             RESERVED  LEASED  KEPT     CLAIMS  UNSETTLED
        https://market.example        rests 20 s               1       2  9 of 12      40          3
        https://b\\u001b[2Jad.example  asking who it is         0       0  –             0          0
      https://market.example reserved again and again without a lease; it is offered nothing while it rests.
      "
    `)
    await world.pass(60_000)
    expect((await run('list')).out).toContain('The agent does not run; this is of 2027')
    expect(JSON.parse((await run('list', '--json')).out)).toMatchObject({ isRunning: false, markets: [{ url }, {}] })
  })

  test('a file that somebody broke is refused with what is wrong, by the command and the agent alike', async () => {
    const { file, run } = await openShell()
    await writeFile(file, '{"markets": [{"url": "x"}]}')
    const { status, err } = await run('add', url)
    expect(status).toBe(2)
    expect(err).toContain('The file of markets')
    expect(() => parseMarketFile('f', 'no json')).toThrow('is not JSON')
    await writeFile(statusFileOf(path.dirname(file)), 'half a fi')
    await writeFile(file, '{"markets": [], "left": []}')
    expect((await run('list')).status).toBe(0)
  })
})

test('the markets to sell to are those of the options and the file, each once, less those that were left', () => {
  const given = [
    { url: 'https://a.example/', address: null },
    { url: 'https://b.example', address: null },
  ]
  const file = {
    markets: [
      { url: 'https://b.example', address },
      { url: 'https://c.example', address },
    ],
    left: [{ url: 'https://c.example', isForgotten: false }],
  }
  expect(targetMarkets(given, file)).toEqual([
    { url: 'https://b.example', address },
    { url: 'https://a.example', address: null },
  ])
})
