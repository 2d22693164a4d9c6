import { systemWorld, type World } from '@muster/protocol'
import { expect, test } from 'vitest'
import { backOffMs } from './retry-call.ts'

const policy = { attempts: 5, firstDelayMs: 100, maxDelayMs: 1000 }
const worldWhere = (byte: number): World => ({ ...systemWorld, random: () => Uint8Array.of(byte) })

test('a back-off doubles up to its limit, between half and all of it', () => {
  const least = [1, 2, 3, 4, 5, 6].map((tried) => backOffMs(policy, tried, worldWhere(0)))
  const most = [1, 2, 3, 4, 5, 6].map((tried) => backOffMs(policy, tried, worldWhere(255)))
  expect(least).toEqual([50, 100, 200, 400, 500, 500])
  expect(most).toEqual([100, 200, 400, 800, 1000, 1000])
})
