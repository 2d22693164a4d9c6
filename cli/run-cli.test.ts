import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buildModelBytes } from '@muster/graph'
import { isId, newId, parseUsd, systemWorld, toJson, type JobView } from '@muster/sdk'
import { fakeApiKey, startFakeMarket, type FakeMarket, type FakeMarketOptions } from '@muster/sdk/fake'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestShell, type TestShell } from './fake/test-shell.ts'

let market: FakeMarket
let shell: TestShell
const open = async (options: FakeMarketOptions = {}) => {
  await market?.close()
  await shell?.close()
  market = await startFakeMarket(options)
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
}
beforeEach(() => open())
afterEach(async () => {
  await market.close()
  await shell.close()
})

const noopJob = `
apiVersion: muster/v1
tasks: { count: 3 }
maxPrice: 0.000001 USD per task
`
const write = (name: string, content: string | Uint8Array) => writeFile(path.join(shell.directory, name), content)

const squareModel = buildModelBytes({
  inputs: [{ name: 'x', dtype: 'float32', dims: [2] }],
  outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
  nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
})

describe('usage', () => {
  test('without arguments it shows the commands and exits with 2', async () => {
    const { status, err } = await shell.run([])
    expect(status).toBe(2)
    expect(err).toContain('Usage: muster')
  })

  test('--help exits with 0 and names exit statuses', async () => {
    const { status, out } = await shell.run(['--help'])
    expect(status).toBe(0)
    for (const text of [
      'job',
      'offer',
      'provider',
      'program',
      'receipt',
      'blob',
      'account',
      'ledger',
      'statement',
      'key',
      'up',
      'market',
      'agent',
      'Exit status',
    ]) {
      expect(out).toContain(text)
    }
  })

  test.each([
    [['jib'], "Unknown command 'jib'. Did you mean job?"],
    [['market', 'statsu'], "Unknown command 'statsu'. Did you mean status?"],
    [['market', 'restroe'], "Unknown command 'restroe'. Did you mean restore?"],
    [['agent', 'erning'], "Unknown command 'erning'. Did you mean earnings?"],
    [
      ['job', 'list', '--limit', 'x'],
      "Option '--limit <count>' argument 'x' is invalid. Expected a whole number from 1 to 200.",
    ],
    [['job', 'submit'], "Missing required argument 'file'."],
    [['job', 'list', '--nope'], "Unknown option '--nope'."],
    [['job', 'show', 'nonsense'], 'This is not the id of a job: expected job_ and 26 characters.'],
    [['job', 'submit', 'missing.yaml'], 'Cannot open missing.yaml: no such file or directory.'],
  ])('%j exits with 2 and one sentence', async (args, sentence) => {
    const { status, out, err } = await shell.run(args)
    expect(status).toBe(2)
    expect(out).toBe('')
    expect(err.split('\n')[0]?.replace(`${shell.directory}/`, '')).toBe(`✗ ${sentence}`)
  })

  test.each([
    [['frobnicate'], 'muster --help', /expected +job, lease, .*, up, market, agent$/m],
    [['job', 'frobnicate'], 'muster job --help', /expected +submit, .*explain$/m],
    [['market', 'frobnicate'], 'muster market --help', /expected +database, restore, status, /],
    [['market', 'key', 'frobnicate'], 'muster market key --help', /expected +create, list, revoke$/m],
    [['agent', 'frobnicate'], 'muster agent --help', /expected +price, check, /],
    [['job', 'list', '--limit'], 'muster job list --help', /✗ Option '--limit <count>' argument missing\./],
  ])('%j says where to look', async (args, help, expected) => {
    const { status, err } = await shell.run(args)
    expect(status).toBe(2)
    expect(err).toMatch(expected)
    expect(err).toContain(`do `)
    expect(err).toContain(`\`${help}\` says what there is.`)
  })

  test('with --json an error is the one document on standard output', async () => {
    const ran = await shell.run(['job', 'show', 'nonsense', '--json'])
    expect(ran).toMatchObject({ status: 2, err: '' })
    expect(ran.json()).toMatchObject({ error: { code: 'request_invalid', fault: 'tenant', retry: 'never' } })
  })
})

describe('which market', () => {
  const context = async (mode = 0o600) => {
    await mkdir(path.join(shell.directory, 'home'), { recursive: true })
    const text = JSON.stringify({ url: market.url, apiKey: fakeApiKey })
    await writeFile(path.join(shell.directory, 'home', 'context.json'), text, { mode })
  }
  const bare = { MUSTER_URL: '', MUSTER_API_KEY: '' }

  test('the context file stands in for flags', async () => {
    await context()
    expect((await shell.run(['account', 'show'], { env: bare })).status).toBe(0)
  })

  test('the nearest .muster upwards is found where MUSTER_HOME is not set', async () => {
    await mkdir(path.join(shell.directory, '.muster'))
    await writeFile(
      path.join(shell.directory, '.muster', 'context.json'),
      JSON.stringify({ url: market.url, apiKey: fakeApiKey }),
      { mode: 0o600 },
    )
    expect((await shell.run(['account', 'show'], { env: { ...bare, MUSTER_HOME: '' } })).status).toBe(0)
  })

  test('a context file that others may read is refused', async () => {
    await context(0o644)
    const { status, err } = await shell.run(['account', 'show'], { env: bare })
    expect(status).toBe(2)
    expect(err).toContain('chmod 600')
  })

  test('a key out of the context file goes to no other market', async () => {
    await context()
    const { status } = await shell.run(['account', 'show', '--market', market.url.replace('127.0.0.1', 'localhost')], {
      env: bare,
    })
    expect(status).toBe(5)
    expect(market.seen.at(-1)?.headers.authorization).toBeUndefined()
  })

  test('a key without its market is refused', async () => {
    await context()
    const { status, err } = await shell.run(['account', 'show', '--key', 'secret'], { env: bare })
    expect(status).toBe(2)
    expect(err).not.toContain('secret')
    expect(market.calls).toEqual([])
  })

  test('without any it says what to do', async () => {
    const { status, err } = await shell.run(['account', 'show'], { env: bare })
    expect(status).toBe(2)
    expect(err).toContain('muster up')
  })

  test('a wrong key exits with 5, a market that is away with 3', async () => {
    expect((await shell.run(['account', 'show'], { env: { MUSTER_API_KEY: 'wrong' } })).status).toBe(5)
    await market.close()
    const { status, err } = await shell.run(['account', 'show'])
    expect(status).toBe(3)
    expect(err).toContain('nothing listens there')
  })
})

describe('the rest', () => {
  test('offer list', async () => {
    const { out } = await shell.run(['offer', 'list'])
    expect(out.split('\n').map((line) => line.split(/ {2,}/).slice(1, 4))).toEqual([
      ['REGION', 'IN', 'FREE'],
      ['eu-west', 'DE', '4 of 4'],
      ['us-east', 'US', '4 of 4'],
      [],
    ])
    expect((await shell.run(['offer', 'list', '--json'])).json()).toHaveLength(2)
  })

  test('program publish and inspect; a model with a forbidden operator is refused with its reasons', async () => {
    await write('square.onnx', squareModel)
    const published = (await shell.run(['program', 'publish', 'square.onnx', '--json'])).json() as { id: string }
    expect(market.network.blobs.size).toBe(2)
    const { out } = await shell.run(['program', 'inspect', published.id])
    expect(out).toContain('x: float32 [2]')
    const random = buildModelBytes({
      inputs: [{ name: 'x', dtype: 'float32', dims: [2] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
      nodes: [{ op: 'RandomNormalLike', inputs: ['x'], outputs: ['y'] }],
    })
    await write('random.onnx', random)
    const refused = await shell.run(['program', 'publish', 'random.onnx', '--dry-run'])
    expect(refused.status).toBe(2)
    expect(refused.err).toContain('RandomNormalLike')
  })

  test('blob put and get', async () => {
    await write('a.bin', 'hello')
    const [{ cid }] = (await shell.run(['blob', 'put', 'a.bin', '--json'])).json() as [{ cid: string }]
    expect((await shell.run(['blob', 'get', cid, '-o', 'b.bin'])).status).toBe(0)
    expect(await readFile(path.join(shell.directory, 'b.bin'), 'utf8')).toBe('hello')
    market.fail('getBlob', { type: 'corrupt' })
    expect((await shell.run(['blob', 'get', cid, '-o', 'c.bin'])).status).toBe(2)
    expect(await readdir(shell.directory)).not.toContain('c.bin')
  })

  test('a file larger than the market takes is not sent', async () => {
    await open({ maxBlobBytes: 4 })
    await write('a.bin', 'hello')
    const { status, err } = await shell.run(['blob', 'put', 'a.bin'])
    expect(status).toBe(2)
    expect(err).toContain('at most 4 bytes')
    expect(market.calls).toEqual(['market'])
  })

  test('receipts are saved though the market keeps the transcript of their auction no more, and it says so', async () => {
    await write('job.yaml', noopJob)
    const { id } = (await shell.run(['job', 'submit', 'job.yaml', '--json'])).json() as JobView
    const [bundle] = market.network.require(id).bundles
    if (bundle === undefined) throw new Error('a receipt')
    const auction = { id: newId(systemWorld, 'auction'), transcript: `0x${'1'.repeat(64)}` }
    const lease = { ...bundle.lease, record: { ...bundle.lease.record, auction } }
    const body = toJson({ receipts: [{ ...bundle, lease }] })
    market.fail('listReceipts', { type: 'answer', status: 200, body })
    const { status, out } = await shell.run(['receipt', 'list', id, '--out', 'receipts'])
    expect([status, out]).toEqual([0, expect.stringContaining(`Without a transcript: ${auction.id}`)])
    expect(await readdir(path.join(shell.directory, 'receipts'))).toHaveLength(1)
  })

  test('receipts are listed, saved and verified offline; a changed one fails', async () => {
    await write('job.yaml', noopJob)
    const { id } = (await shell.run(['job', 'submit', 'job.yaml', '--json'])).json() as JobView
    expect(isId('job', id)).toBe(true)
    expect((await shell.run(['receipt', 'list', id, '--out', 'receipts'])).out).toContain('$0.0000018 in all')
    const trust = ['--market-address', market.network.market, '--tenant-address', market.network.address]
    await market.close()
    const passed = await shell.run(['receipt', 'verify', 'receipts', ...trust])
    expect(passed).toMatchObject({ status: 0, err: '' })
    expect(passed.out).toBe('✓ All 3 receipts pass; they add up to $0.0000018.\n')
    const [name = ''] = await readdir(path.join(shell.directory, 'receipts'))
    const file = path.join(shell.directory, 'receipts', name)
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('"amount": "600"', `"amount": "${parseUsd('1')}"`))
    const failed = await shell.run(['receipt', 'verify', 'receipts', '--json'])
    expect(failed.status).toBe(1)
    expect(failed.json()).toMatchObject({ ok: false })
    expect((await shell.run(['receipt', 'verify', path.join('receipts', name)])).out).toContain(
      '✗  the amount is the price times what was used',
    )
    expect((await shell.run(['receipt', 'verify', 'nowhere'])).status).toBe(2)
  })

  test('account and keys', async () => {
    expect((await shell.run(['account', 'show'])).out).toContain('$1000.00')
    expect((await shell.run(['account', 'show', '--json'])).json()).toMatchObject({ balance: '1000000000000' })
    const { key } = (await shell.run(['key', 'create', 'laptop', '--json'])).json() as { key: string }
    expect((await shell.run(['key', 'revoke', key])).status).toBe(0)
  })
})
