import { createServer, type IncomingMessage, type Server } from 'node:http'
import { readdir, readFile, stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { routes, toJson, type Route } from '@muster/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'
import { findBinary, verbsOfBinaries } from '../spawn/spawn-binary.ts'

const market = `0x${'ab'.repeat(20)}`
const tenant = 'tnt_01K5KRN0M0ABCDEFGHJKMNPQRS'
const key = 'key_01K5KRN0M0ABCDEFGHJKMNPQRS'
const action = 'act_01K5KRN0M0ABCDEFGHJKMNPQRS'

const status = (activeJobs: number) => ({
  version: '0.1.0',
  market,
  chainId: 31_337,
  now: 1_000_000,
  startedAt: 0,
  uptimeMs: 1_000_000,
  processId: 77,
  memoryBytes: 2 ** 27,
  draining: activeJobs < 9 ? { since: 940_000, by: 'owner', reason: 'a new disk' } : null,
  links: 4,
  nodes: ['first', 'second', 'third'].map((name, index) => ({
    name,
    url: `https://10.0.0.${index + 1}:7700`,
    isThis: index === 0,
    answers: index < 2,
    version: '0.1.0',
    startedAt: 940_000,
    links: 10 + index,
    jobs: 20 + index,
  })),
  bus: false,
  jobs: { active: activeJobs, waitingTasks: 7, runningTasks: 3 },
  store: { bytes: 2 ** 24, pingMs: 0.4, pendingCommits: 2, commitsPerSecond: 12.5, lagMs: 1_500 },
  blobs: { count: 5, bytes: 2 ** 20 },
  disk: { freeBytes: 2 ** 30, totalBytes: 2 ** 40 },
  denials: 1,
  audit: { at: 940_000, ok: true, checked: 812, faults: 0 },
})

interface Asked {
  readonly route: string
  readonly body: unknown
  readonly headers: IncomingMessage['headers']
}

let server: Server
let shell: TestShell
let asked: Asked[]
let left: number
let isBroken: boolean

const nameOf = (method: string, url: string): string =>
  Object.entries<Route>(routes).find(
    ([, route]) =>
      route.method === method &&
      new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(url.split('?')[0] ?? ''),
  )?.[0] ?? 'none'

const denial = {
  kind: 'tenant',
  subject: tenant,
  reason: 'spam',
  expiresAt: null,
  stopped: false,
  at: 1,
  by: 'owner',
}

const provider = `0x${'1'.repeat(40)}`
const answers: Readonly<Record<string, () => unknown>> = {
  marketStatus: () => status(left-- > 0 ? left : 0),
  drain: () => ({ draining: status(3).draining, activeJobs: left }),
  undrain: () => ({ draining: null, activeJobs: 0 }),
  createAdminKey: () => ({ key, adminKey: 'mak_secret' }),
  listAdminKeys: () => ({
    keys: [
      { id: key, name: 'pager', role: 'operator', lastFour: 'wxyz', createdBy: 'owner', createdAt: 1, revokedAt: null },
    ],
  }),
  revokeAdminKey: () => ({}),
  deny: () => ({ denial, jobs: 2, leases: 0 }),
  allow: () => ({}),
  listDenials: () => ({ denials: [denial] }),
  listTenants: () => ({ tenants: [{ tenant, name: 'Acme', address: null, createdAt: 1, denied: null }] }),
  tenantJobs: () => ({ jobs: [] }),
  adminLog: () => ({
    actions: [
      {
        id: action,
        at: 1_790_000_000_000,
        actor: key,
        actorName: 'pager',
        role: 'operator',
        action: 'deny',
        facts: { target: { kind: 'region', subject: 'eu' }, stop: false, expiresAt: null },
        reason: 'a flood',
        outcome: 'refused',
        of: null,
        code: 'forbidden',
      },
      {
        id: action,
        at: 1_789_999_999_000,
        actor: 'owner',
        actorName: 'owner',
        role: 'owner',
        action: 'createAdminKey',
        facts: { target: { kind: 'provider', subject: provider } },
        reason: 'on call this week',
        outcome: 'asked',
        of: null,
        code: null,
      },
    ],
  }),
}

beforeEach(async () => {
  asked = []
  left = 9
  isBroken = false
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const route = nameOf(request.method ?? '', request.url ?? '')
      const text = Buffer.concat(chunks).toString()
      asked.push({ route, body: text === '' ? undefined : JSON.parse(text), headers: request.headers })
      if (route === 'backup') {
        response.writeHead(200, { 'content-type': 'application/octet-stream' })
        response.write('first half, ')
        if (isBroken) setTimeout(() => response.destroy(), 20)
        else response.end('second half')
        return
      }
      response.writeHead(route in answers ? 200 : 404, { 'content-type': 'application/json' })
      response.end(toJson(answers[route]?.() ?? {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  shell = await openTestShell({ MUSTER_URL: `http://127.0.0.1:${port}`, MUSTER_API_KEY: 'admin-key' })
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await shell.close()
})

test('every verb of this program runs here, those of the market’s program there', async () => {
  const { out } = await shell.run(['market', '--help'])
  const verbs = [...out.matchAll(/^ {2}([a-z]+) /gm)].map(([, verb = '']) => verb).filter((verb) => verb !== 'help')
  expect(verbs).toEqual(expect.arrayContaining(['status', 'backup', 'erase']))
  const own = verbs.filter((verb) => !Object.hasOwn(verbsOfBinaries.market, verb))
  expect(own.length).toBe(verbs.length - 2)
  for (const verb of own) expect(findBinary(['market', verb]), verb).toBeUndefined()
  for (const args of [[], ['--help'], ['--port', '0'], ['restore', 'x']])
    expect(findBinary(['market', ...args])?.args).toEqual(args)
  expect(findBinary(['market', 'nonsense'])).toBeUndefined()
})

test('status of a market of several nodes says each of their URLs on a line of its own', async () => {
  const { port } = server.address() as AddressInfo
  const [here, other] = [`http://127.0.0.1:${port}`, 'http://10.0.0.2:7600']
  const { status: code, out } = await shell.run(['market', 'status'], { env: { MUSTER_URL: `${here}+${other}` } })
  expect(code).toBe(0)
  expect(out).toMatch(new RegExp(`\\n *asked at +${here}\\n +${other}\\n *node +process 77`))
})

test('status shows all there is to know, and what is wrong with it', async () => {
  const { status: code, out } = await shell.run(['market', 'status'])
  expect(code).toBe(0)
  for (const text of [
    market,
    'process 77',
    '16m 40s',
    'draining since 1m 00s ago (owner): a new disk',
    '4 agents',
    '8 active; tasks: 3 running, 7 waiting',
    '12.5 commits/s',
    '1.5 s behind',
    '1 GiB of 1 TiB free',
    'sound, 812 things',
    'this one',
    'does not answer',
    'https://10.0.0.2:7700',
    'NATS is away',
  ])
    expect(out).toContain(text)
  expect((await shell.run(['market', 'status', '--json'])).json()).toMatchObject({ market, links: 4 })
  expect(asked[0]?.headers.authorization).toBe('Bearer admin-key')
})

test('drain waits until no job is left', async () => {
  left = 3
  const { status: code, out } = await shell.run(['market', 'drain', '--reason', 'a new disk', '--wait', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ isDrained: true, activeJobs: 0, draining: { reason: 'a new disk' } })
  expect(asked[0]).toMatchObject({ route: 'drain', body: { reason: 'a new disk' } })
  expect((await shell.run(['market', 'undrain', '--reason', 'done'])).out).toContain('New jobs are taken again')
})

test('a denial says what it is of, why, for how long, and what it did', async () => {
  const denied = await shell.run(['market', 'deny', 'tenant', tenant, '--reason', 'spam', '--for', '12h', '--stop'])
  expect(denied.out).toContain(`Denied tenant ${tenant}`)
  expect(denied.out).toContain('2 jobs')
  const [{ body }] = asked as [Asked]
  expect(body).toMatchObject({ target: { kind: 'tenant', subject: tenant }, stop: true })
  expect(Math.abs(Number(Reflect.get(Object(body), 'expiresAt')) - Date.now() - 12 * 3_600_000)).toBeLessThan(60_000)
  expect((await shell.run(['market', 'allow', 'tenant', tenant])).out).toContain(`Allowed tenant ${tenant}`)
  expect((await shell.run(['market', 'denials'])).out).toContain('spam')
  for (const args of [
    ['image', 'x'],
    ['tenant', 'x'],
    ['provider', '0x12'],
    ['program', 'x'],
    ['region', 'eu', '--for', 'soon'],
  ])
    expect((await shell.run(['market', 'deny', ...args, '--reason', 'why'])).status).toBe(2)
  expect((await shell.run(['market', 'deny', 'region', 'eu'])).err).toContain('--reason')
})

test('keys are made with a role, listed and revoked', async () => {
  const made = await shell.run(['market', 'key', 'create', 'pager', '--role', 'operator', '--reason', 'on call'])
  expect(made.out).toContain('mak_secret')
  expect(asked[0]?.body).toEqual({ name: 'pager', role: 'operator', reason: 'on call' })
  expect((await shell.run(['market', 'key', 'create', 'pager', '--role', 'boss'])).status).toBe(2)
  expect((await shell.run(['market', 'key', 'list'])).out).toContain('…wxyz')
  await shell.run(['market', 'key', 'revoke', key, '--reason', 'left – gone'])
  expect(asked.at(-1)).toMatchObject({
    route: 'revokeAdminKey',
    headers: { 'muster-reason': encodeURIComponent('left – gone') },
  })
})

test('the log says who, what, about whom and why', async () => {
  const { out } = await shell.run(['market', 'log'])
  for (const text of ['2026-09-21', 'pager', 'operator', 'deny: forbidden', 'region eu', 'a flood'])
    expect(out).toContain(text)
  expect(out).toContain(`provider ${provider}`)
  const narrow = (await shell.run(['market', 'log'], { isTty: true })).out
  expect(narrow).toMatch(/owner +(owner +)?createAdminKey +provider 0x111111…1111 +on call this week\n/)
  expect((await shell.run(['market', 'tenants'])).out).toContain('Acme')
  expect((await shell.run(['market', 'tenants', tenant])).out).toContain('no jobs')
})

test('a backup is a file of its own, for its owner only, and never half of one', async () => {
  const done = await shell.run(['market', 'backup', 'a.backup'])
  expect(done.status).toBe(0)
  const file = path.join(shell.directory, 'a.backup')
  expect(await readFile(file, 'utf8')).toBe('first half, second half')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await shell.run(['market', 'backup', 'a.backup'])).status).toBe(2)
  const named = (await shell.run(['market', 'backup', '.', '--json'])).json() as { file: string }
  expect(path.basename(named.file)).toMatch(/^muster-\d{8}T\d{6}Z\.backup$/)
  isBroken = true
  expect((await shell.run(['market', 'backup', 'b.backup'])).status).toBe(3)
  expect((await readdir(shell.directory)).filter((name) => name.startsWith('b.'))).toEqual([])
})

test('a backup with the key needs a passphrase, which only the market is told', async () => {
  const refused = await shell.run(['market', 'backup', 'a.backup', '--with-key'])
  expect(refused.err).toContain('MUSTER_BACKUP_PASSPHRASE')
  expect(asked).toEqual([])
  const env = { MUSTER_BACKUP_PASSPHRASE: 'correct horse battery' }
  const done = await shell.run(['market', 'backup', 'a.backup', '--with-key', '--json'], { env })
  expect(asked[0]?.body).toEqual({ withKey: true, passphrase: 'correct horse battery' })
  expect(done.out).not.toContain('horse')
})
