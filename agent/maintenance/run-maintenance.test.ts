import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { silentLog, type Maintenance } from '@muster/protocol'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../stage/temporary-directory.ts'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import { completeAgentOptions } from '../written-options.ts'
import { followMaintenance } from './follow-maintenance.ts'
import { maintenanceFileOf, readMaintenance } from './maintenance-file.ts'
import { runMaintenance } from './run-maintenance.ts'

const now = Date.parse('2026-11-20T12:00:00Z')

const runIn = (directory: string) => async (line: string) => {
  let out = ''
  let error = ''
  const status = await runMaintenance(
    [...line.split(' ').filter((word) => word !== ''), '--data-directory', directory],
    {
      writeOut: (text) => (out += text),
      writeError: (text) => (error += text),
      env: {},
      now: () => now,
    },
  )
  return { status, out, error }
}

test('maintenance is announced, listed and called off', async () => {
  const directory = await temporaryDirectory()
  const run = runIn(directory)
  expect((await run('list')).out).toContain('No maintenance is announced')
  expect(await run('--from 2026-11-21T02:00Z --for 2h')).toMatchObject({
    status: 0,
    out: 'Maintenance from 2026-11-21T02:00Z to 2026-11-21T04:00Z (2h) is announced.\n',
  })
  await run('--from now --for 90m')
  expect((await run('list')).out).toBe(
    '  1  from 2026-11-20T12:00Z to 2026-11-20T13:30Z (1h30m), now\n  2  from 2026-11-21T02:00Z to 2026-11-21T04:00Z (2h)\n',
  )
  expect((await run('cancel 1')).out).toContain('called off')
  expect(JSON.parse((await run('list --json')).out)).toEqual({
    maintenance: [{ from: Date.parse('2026-11-21T02:00Z'), until: Date.parse('2026-11-21T04:00Z') }],
  })
  expect((await run('cancel all')).status).toBe(0)
  expect(await readMaintenance(maintenanceFileOf(directory))).toEqual([])
})

test.each([
  ['', 'Say when and how long'],
  ['--from now', 'Say when and how long'],
  ['--from tomorrow --for 2h', '--from: expected now'],
  ['--from 2026-11-21T02:00 --for 2h', '--from: expected now'],
  ['--from now --for soon', '--for: expected a time such as 2h'],
  ['--from now --for 367d', '--for: expected a time such as 2h'],
  ['--from 2026-11-20T02:00Z --for 2h', 'not over yet'],
  ['cancel', 'Say which'],
  ['cancel 1', 'Say which'],
  ['begin', 'Say what to do'],
  ['list all', 'Say what to do'],
  ['--colour red', 'colour'],
])('muster agent maintenance %s is refused, and says why', async (line, why) => {
  const run = runIn(await temporaryDirectory())
  const { status, error } = await run(line)
  expect({ status, error }).toEqual({ status: 2, error: expect.stringContaining(why) })
})

test('a running agent follows the file, and keeps what it had while the file cannot be used', async () => {
  const directory = await temporaryDirectory()
  const file = maintenanceFileOf(directory)
  const world = createVirtualWorld(1)
  const told: (readonly Maintenance[])[] = []
  const pass = async () => {
    for (let look = 0; look < 4; look++) {
      await world.pass(1_000)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const said: unknown[] = []
  const stop = followMaintenance({
    world,
    log: { ...silentLog, info: (...line) => void said.push(line) },
    read: () => readMaintenance(file),
    maintain: (windows) => void told.push(windows),
  })
  await pass()
  expect(told).toEqual([])
  await runIn(directory)('--from now --for 90m')
  await pass()
  expect(told).toHaveLength(1)
  for (const broken of ['{"windows": [', '{"windows": [{"from": 5, "until": 4}]}', '{}']) {
    await writeFile(file, broken)
    await pass()
  }
  expect(told).toHaveLength(1)
  await writeFile(file, '{"windows": []}')
  await pass()
  expect(said).toEqual([
    ['maintenance is announced', { windows: [expect.stringMatching(/^\d{4}-\d\d-\d\dT[^/]+Z\/\d{4}-.*Z$/)] }],
    ['no maintenance is announced any more'],
  ])
  stop()
})

test('the file is nobody else’s to read', async () => {
  const directory = await temporaryDirectory()
  await runIn(directory)('--from now --for 90m')
  expect(JSON.parse(await readFile(path.join(directory, 'maintenance.json'), 'utf8'))).toHaveProperty('windows')
})

test('an option announces maintenance, and one that cannot be read is refused', () => {
  const { maintenance } = completeAgentOptions({ maintenance: '2026-11-21T02:00Z/2h, 2026-12-05T02:00Z/30m' })
  expect(maintenance.map(({ from, until }) => (until - from) / 60_000)).toEqual([120, 30])
  for (const wrong of ['2026-11-21T02:00Z', 'now/2h', '2026-11-21T02:00Z/2h/3h', '2026-11-21T02:00Z/0h'])
    expect(() => completeAgentOptions({ maintenance: wrong })).toThrow(/expected/)
})
