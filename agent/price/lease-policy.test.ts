import { MusterError } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { quote, type QuotedOrder } from './quote.ts'
import { parsePolicy } from './read-policy.ts'

const policyOf = (leases: string) =>
  parsePolicy(
    'prices.yaml',
    `apiVersion: muster/v1\nkind: prices\nruntimes: { noop: { task: 0.000001 } }\nminimum: { task: 0.0000004 }\nleases: ${leases}\n`,
  )

const order: QuotedOrder = {
  tenant: null,
  tenantRegion: null,
  runtime: 'noop',
  unit: 'task',
  resources: { cpuMilli: 1000, memoryBytes: 1, diskBytes: 0, gpuCount: 0 },
  gpuModels: [],
  maxNanoUsd: null,
}
const ask = (leases: string, lease?: QuotedOrder['lease']) =>
  quote(policyOf(leases), {
    order: { ...order, ...(lease === undefined ? {} : { lease }) },
    slots: 1,
    utilisation: 0,
    market: null,
    at: 0,
  })

describe('a policy that speaks of leases', () => {
  test('asks for each kind by its factor, and never below the minimum', () => {
    const leases = '{ on-demand: {}, spot: { factor: 0.6, notice: 1m }, reserved: { factor: 1.25, max: 168h } }'
    expect(ask(leases).price?.nanoUsd).toBe(1_000n)
    expect(ask(leases, 'spot').price?.nanoUsd).toBe(600n)
    expect(ask(leases, 'reserved').price?.nanoUsd).toBe(1_250n)
    expect(ask('{ spot: { factor: 0.1 } }', 'spot').price?.nanoUsd).toBe(400n)
  })

  test('sells the kinds it names and no other', () => {
    expect(ask('{ spot: {} }').refusal).toMatchObject({
      reason: 'lease_not_sold',
      expected: 'spot',
      found: 'on-demand',
    })
    expect(ask('{ on-demand: {} }', 'reserved').refusal?.reason).toBe('lease_not_sold')
  })

  test('ends spot leases with its notice, or half a minute of it', () => {
    const { leases } = policyOf('{ spot: {}, reserved: { min: 1h } }')
    expect(leases.get('spot')).toMatchObject({ noticeMs: 30_000, minMs: 0, maxMs: 366 * 86_400_000 })
    expect(leases.get('reserved')).toMatchObject({ noticeMs: null, minMs: 3_600_000 })
  })

  test.each([
    ['{}', 'on-demand, spot, reserved'],
    ['{ weekend: {} }', 'weekend'],
    ['{ spot: { notice: 500ms } }', 'a time from 1s to 720h'],
    ['{ spot: { notice: 721h } }', 'a time from 1s to 720h'],
    ['{ reserved: { min: 3h, max: 2h } }', 'no less than min'],
    ['{ reserved: { max: 367d } }', 'a time from 1s to 366d'],
    ['{ spot: { factor: -1 } }', 'a factor'],
  ])('%s is refused', (leases, why) => {
    try {
      policyOf(leases)
    } catch (error) {
      expect(error).toBeInstanceOf(MusterError)
      expect(JSON.stringify(error instanceof MusterError ? [error.message, error.facts] : [])).toContain(why)
      return
    }
    throw new Error('it was taken')
  })
})
