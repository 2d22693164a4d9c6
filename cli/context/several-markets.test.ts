import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fakeApiKey, startFakeMarket, type FakeMarket } from '@muster/sdk/fake'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'

let shell: TestShell
let markets: FakeMarket[]

beforeEach(async () => {
  markets = await Promise.all([600n, 500n].map((priceNanoUsd) => startFakeMarket({ priceNanoUsd })))
  shell = await openTestShell()
})

afterEach(async () => {
  await Promise.all(markets.map((market) => market.close()))
  await shell.close()
})

const urls = () => markets.map(({ url }) => url)
const file = () => path.join(shell.directory, 'home', 'context.json')

const addBoth = async (): Promise<void> => {
  for (const url of urls()) expect((await shell.run(['context', 'add', url, '--key', fakeApiKey])).status).toBe(0)
}

const writeJob = async (): Promise<string> => {
  const name = path.join(shell.directory, 'nothing.yaml')
  await writeFile(name, 'apiVersion: muster/v1\nname: nothing\ntasks: { count: 2 }\nmaxPrice: 0.000001 USD per task\n')
  return name
}

describe('the context', () => {
  test('gains and loses markets, shows no keys, and is readable by its owner only', async () => {
    await addBoth()
    const { mode } = await stat(file())
    expect(mode & 0o777).toBe(0o600)
    const list = await shell.run(['context', 'list'])
    expect(list.status).toBe(0)
    for (const url of urls()) expect(list.out).toContain(url)
    expect(list.out).not.toContain(fakeApiKey)
    expect((await shell.run(['context', 'list', '--json'])).json()).toMatchObject([
      { url: urls()[0], hasKey: true, isFirst: true },
      { url: urls()[1], hasKey: true, isFirst: false },
    ])
    expect((await shell.run(['context', 'remove', `${urls()[0]}/`])).status).toBe(0)
    expect(JSON.parse(await readFile(file(), 'utf8'))).toMatchObject({ url: urls()[1], apiKey: fakeApiKey })
    expect((await shell.run(['context', 'remove', urls()[0] ?? ''])).status).toBe(2)
    expect((await shell.run(['context', 'remove', urls()[1] ?? ''])).status).toBe(0)
    expect((await shell.run(['job', 'list'])).err).toContain('No market is named')
  })

  test('a market added again keeps its place, and --first puts it in front', async () => {
    await addBoth()
    await shell.run(['context', 'add', urls()[0] ?? '', '--key', fakeApiKey])
    const order = async () =>
      ((await shell.run(['context', 'list', '--json'])).json() as { url: string }[]).map(({ url }) => url)
    expect(await order()).toEqual(urls())
    await shell.run(['context', 'add', urls()[1] ?? '', '--key', fakeApiKey, '--first'])
    expect(await order()).toEqual(urls().toReversed())
  })

  test('a market that refuses the key, or is not there, is not added', async () => {
    expect((await shell.run(['context', 'add', urls()[0] ?? '', '--key', 'wrong'])).status).toBe(5)
    expect((await shell.run(['context', 'add', 'http://127.0.0.1:9', '--key', 'x'])).status).toBe(3)
    await expect(stat(file())).rejects.toThrow('ENOENT')
  })

  test('a file of before, with one market, is one still', async () => {
    await addBoth()
    await writeFile(file(), JSON.stringify({ url: urls()[0], apiKey: fakeApiKey }), { mode: 0o600 })
    expect((await shell.run(['job', 'list', '--json'])).json()).toEqual([])
  })

  test('a key of one market is never sent to another', async () => {
    await addBoth()
    await shell.run(['account', 'show', '--market', `${urls()[1]}`])
    expect(markets[1]?.seen.at(-1)?.headers.authorization).toBe(`Bearer ${fakeApiKey}`)
    const third = await startFakeMarket()
    markets.push(third)
    await shell.run(['account', 'show', '--market', third.url])
    expect(third.seen.at(-1)?.headers.authorization).toBeUndefined()
  })

  test('several by flags need a key each', async () => {
    const both = urls().join(',')
    const keys = `${fakeApiKey},${fakeApiKey}`
    expect((await shell.run(['job', 'list', '--json', '--market', both, '--key', keys])).json()).toEqual({
      jobs: [],
      missing: [],
    })
    expect((await shell.run(['job', 'list', '--market', both, '--key', fakeApiKey])).status).toBe(2)
    const env = { MUSTER_URL: both, MUSTER_API_KEY: keys }
    expect((await shell.run(['job', 'list', '--json'], { env })).json()).toEqual({ jobs: [], missing: [] })
  })
})

describe('a job', () => {
  test('goes to the market that serves it best, and says why', async () => {
    await addBoth()
    const explained = await shell.run(['job', 'explain', await writeJob()])
    expect(explained.status).toBe(0)
    expect(explained.out).toContain(`It would go to ${urls()[1]}, by the rule lowest`)
    const submitted = await shell.run(['job', 'submit', await writeJob()])
    expect(submitted.status).toBe(0)
    expect(submitted.err).toContain(`● ${urls()[1]}  $0.0000005 per task for 2 of 2 slots`)
    expect(submitted.err).toContain(`It went to ${urls()[1]}`)
    expect(markets.map(({ network }) => network.jobs.size)).toEqual([0, 1])
  })

  test('is found again by its id, wherever it is', async () => {
    await addBoth()
    const { out } = await shell.run(['job', 'submit', await writeJob(), '--json'])
    const { id } = JSON.parse(out) as { id: string }
    for (const verb of ['show', 'watch', 'cancel', 'explain', 'logs'])
      expect((await shell.run(['job', verb, id])).status).toBe(0)
    expect((await shell.run(['receipt', 'list', id, '--json'])).json()).toHaveLength(2)
  })

  test('is listed with its market, and a market that is gone is said', async () => {
    await addBoth()
    await shell.run(['job', 'submit', await writeJob()])
    await markets[0]?.close()
    const list = await shell.run(['job', 'list'])
    expect(list.status).toBe(0)
    const { host } = new URL(urls()[1] ?? '')
    expect(list.out).toContain(host)
    const env = {
      MUSTER_URL: `${urls()[0]},${urls()[1]}+http://127.0.0.1:1`,
      MUSTER_API_KEY: `${fakeApiKey},${fakeApiKey}`,
    }
    expect((await shell.run(['job', 'list'], { env })).out).toMatch(
      new RegExp(`^job_\\w+ +${RegExp.escape(host)} `, 'm'),
    )
    expect(list.out).toContain(`${urls()[0]} did not say which jobs are there`)
    const submitted = await shell.run(['job', 'submit', await writeJob()])
    expect(submitted.status).toBe(0)
    expect(submitted.err).toContain(`✗ ${urls()[0]}  Cannot reach the market`)
  })

  test('that nobody takes is refused with what each said', async () => {
    await addBoth()
    const problem = JSON.stringify({
      code: 'unavailable',
      message: 'Draining.',
      facts: {},
      fault: 'market',
      retry: 'later',
    })
    const headers = { 'content-type': 'application/problem+json' }
    for (const market of markets) market.fail('submitJob', { type: 'answer', status: 503, body: problem, headers })
    const submitted = await shell.run(['job', 'submit', await writeJob()])
    expect(submitted.status).toBe(3)
    expect(submitted.err).toContain('No market took the job')
  })
})
