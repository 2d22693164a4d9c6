import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outputsOf } from '../arbitrary/arbitrary-of.ts'
import { offerSchema } from '../offer/offer.ts'
import { orderSchema } from '../order/order.ts'
import { exampleOffer, exampleOrder } from '../vector/example-records.ts'
import { askedRequirements } from './asked-requirements.ts'
import { failedRequirements, freeSlots } from './match-offers.ts'

test('whatever an offer fails was asked', () => {
  let failures = 0
  fc.assert(
    fc.property(outputsOf(orderSchema), outputsOf(offerSchema), fc.string(), (order, offer, execSpec) => {
      const demand = { ...order, execSpec }
      const asked = new Set([freeSlots, ...askedRequirements(demand)])
      for (const { requirement } of failedRequirements(demand, offer, offer.issuedAt)) {
        failures++
        expect(asked).toContain(requirement)
      }
    }),
    { numRuns: 200 },
  )
  expect(failures).toBeGreaterThan(500)
})

test('what may be anything is not asked', () => {
  const { placement, resources } = exampleOrder
  const anything = {
    ...exampleOrder,
    execSpec: '',
    resources: { cpuMilli: resources.cpuMilli, memoryBytes: resources.memoryBytes, diskBytes: 0, gpuCount: 0 },
    placement: { ...placement, regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
  }
  const asked = askedRequirements(anything)
  expect(asked.filter((name) => name.startsWith('placement') || name.startsWith('resources.gpu'))).toEqual([])
  const failed = failedRequirements(anything, { ...exampleOffer, runtimes: [], expiresAt: 0 }, 1)
  for (const { requirement } of failed) expect(asked).toContain(requirement)
})
