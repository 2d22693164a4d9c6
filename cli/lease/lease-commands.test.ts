import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { JobView, LeaseView } from '@muster/sdk'
import { fakeApiKey, startFakeMarket, type FakeMarket } from '@muster/sdk/fake'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'

const hourMs = 3_600_000
let market: FakeMarket
let shell: TestShell
beforeEach(async () => {
  market = await startFakeMarket({
    runsAtOnce: false,
    term: { kinds: ['spot', 'reserved'], noticeMs: 30_000, minMs: 0, maxMs: 48 * hourMs },
  })
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
})
afterEach(async () => {
  await market.close()
  await shell.close()
})

const submit = async (lease: string): Promise<JobView> => {
  const job = `apiVersion: muster/v1\ntasks: { count: 3 }\nmaxPrice: 0.000001 USD per task\nlease: ${lease}\n`
  await writeFile(path.join(shell.directory, 'job.yaml'), job)
  return (await shell.run(['job', 'submit', 'job.yaml', '--json'])).json() as JobView
}

const leaseOf = async (job: string): Promise<LeaseView> => {
  const [leased] = (await shell.run(['lease', 'list', job, '--json'])).json() as [{ leases: [LeaseView] }]
  return leased.leases[0]
}

describe('a job file', () => {
  test('asks for a kind of lease, its term and its notice', async () => {
    const { id } = await submit('{ kind: spot, term: 2h, minNotice: 30s }')
    expect((await leaseOf(id)).kind).toBe('spot')
    expect(market.network.require(id).job.order.record.lease).toEqual({
      kind: 'spot',
      termMs: 2 * hourMs,
      minNoticeMs: 30_000,
    })
  })

  test.each([
    ['{ kind: reserved }', 'term'],
    ['{ kind: reserved, term: 2h, minNotice: 1m }', 'notice'],
    ['{ kind: weekend }', 'lease.kind'],
    ['{ kind: spot, minNotice: 721h }', 'minNotice'],
  ])('that asks for %s is refused', async (lease, why) => {
    await writeFile(
      path.join(shell.directory, 'job.yaml'),
      `apiVersion: muster/v1\ntasks: { count: 3 }\nmaxPrice: 0.000001 USD per task\nlease: ${lease}\n`,
    )
    const { status, err } = await shell.run(['job', 'submit', 'job.yaml'])
    expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining(why) })
  })
})

describe('lease', () => {
  test('list shows the leases of every open job', async () => {
    expect((await shell.run(['lease', 'list'])).out).toContain('no leases')
    const { id } = await submit('{ kind: spot }')
    const { out } = await shell.run(['lease', 'list'])
    expect(out).toContain(`${id} wants 3 slots`)
    expect(out).toMatch(/lse_\w{26} +spot +open +3 .* in \d+[hm]/)
    market.network.run(id)
    expect((await shell.run(['lease', 'list'])).out).toContain('no leases')
    expect((await shell.run(['lease', 'list', id])).out).toContain('done')
  })

  test('extend has a lease last longer, found among the open jobs', async () => {
    const { id } = await submit('{ kind: reserved, term: 2h }')
    const lease = await leaseOf(id)
    const { status, out } = await shell.run(['lease', 'extend', lease.id, '--for', '1h'])
    expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining('agrees: the lease ends in') })
    expect((await leaseOf(id)).until).toBe(lease.until + hourMs)
    await shell.run(['lease', 'extend', lease.id, '--for', '30m', '--job', id])
    expect((await leaseOf(id)).amendments).toHaveLength(2)
  })

  test.each([
    [['lease', 'extend', 'nothing', '--for', '1h'], 2, 'names no lease'],
    [['lease', 'extend', 'lse_01K5KRN0M0ABCDEFGHJKMNPQRY', '--for', '1h'], 2, 'No job of yours'],
    [['lease', 'extend', 'lse_01K5KRN0M0ABCDEFGHJKMNPQRY', '--for', 'long'], 2, 'Expected a time'],
    [['lease', 'extend', 'lse_01K5KRN0M0ABCDEFGHJKMNPQRY'], 2, '--for'],
    [['job', 'resize', 'job_01K5KRN0M0ABCDEFGHJKMNPQRT', '--slots', '0'], 2, 'whole number'],
  ] as const)('%j is refused', async (line, status, why) => {
    const { id } = await submit('{ kind: spot }')
    expect(id).toMatch(/^job_/)
    const ran = await shell.run([...line])
    expect({ status: ran.status, err: ran.err }).toEqual({ status, err: expect.stringContaining(why) })
  })
})

test('job resize says what becomes of the slots', async () => {
  const { id } = await submit('{ kind: spot }')
  expect((await shell.run(['job', 'resize', id, '--slots', '5'])).out).toContain(
    'wants 5 slots instead of 3. More are leased',
  )
  expect((await shell.run(['job', 'resize', id, '--slots', '1'])).out).toContain('Idle slots go back at once')
  expect((await shell.run(['job', 'resize', id, '--slots', '1'])).out).toContain('wants 1 slot already')
  expect((await shell.run(['job', 'resize', id, '--slots', '2', '--json'])).json()).toMatchObject({
    slots: 2,
    resizes: 3,
  })
})
