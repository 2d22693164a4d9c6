import { addressSchema, newId, silentLog } from '@muster/protocol'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../stage/temporary-directory.ts'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import { openClaimCounts, readClaimCounts } from './open-claim-counts.ts'

const market = addressSchema.parse(`0x${'aa'.repeat(20)}`)

test('counts add up by job, are written soon, and can be read while the agent runs and after it ended', async () => {
  const world = createVirtualWorld(1)
  const file = path.join(await temporaryDirectory(), 'claims.sqlite')
  const job = newId(world, 'job')
  const other = newId(world, 'job')
  expect(readClaimCounts(file)).toEqual([])
  const counts = openClaimCounts(file, { world, log: silentLog })
  counts.add(market, job, 2, 10)
  counts.add(market, job, 3, 20)
  counts.add(market, other, 1, 30)
  expect(readClaimCounts(file)).toEqual([])
  await world.pass(2_000)
  const first = { market, job, claims: 5, firstAt: 10, lastAt: 20 }
  expect(readClaimCounts(file)).toEqual(expect.arrayContaining([first]))
  counts.add(market, job, 1, 40)
  counts.close()
  counts.add(market, job, 1, 50)
  counts.close()
  expect(readClaimCounts(file)).toEqual(expect.arrayContaining([{ ...first, claims: 6, lastAt: 40 }]))
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('what is older than anybody asks for goes at a start', async () => {
  const world = createVirtualWorld(1)
  const file = path.join(await temporaryDirectory(), 'claims.sqlite')
  const old = openClaimCounts(file, { world, log: silentLog })
  old.add(market, newId(world, 'job'), 1, world.now() - 500 * 86_400_000)
  old.add(market, newId(world, 'job'), 1, world.now())
  old.close()
  const next = openClaimCounts(file, { world, log: silentLog })
  expect(next.list()).toHaveLength(1)
  next.close()
})
