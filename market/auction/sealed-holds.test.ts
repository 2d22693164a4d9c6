import { expect, test } from 'vitest'
import { rehearse, type Rehearsal } from '../rehearsal/rehearse.ts'
import type { ScriptedAgent } from '../rehearsal/script.ts'
import { sealedSpec } from './stage-sealed.ts'

const windowMs = 5_000
const spec = (slots: number, tasks = slots) =>
  sealedSpec(tasks, { slots, auction: { windowMs, pricing: 'second-price' } })

const believed = (stage: Rehearsal, { address }: ScriptedAgent): number | undefined =>
  [...stage.market().modules.supply.believed()].find(({ record }) => record.provider === address)?.record.slots

test('the slots of a sealed bid count once while its window is open, though the agent publishes that they are taken', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 4, nanoUsd: 100n, taskMs: 60_000 })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(spec(1))
  await stage.world.advance(1_000)
  expect(agent.reservations.size).toBe(1)
  expect(believed(stage, agent)).toBe(3)
  await stage.world.advance(windowMs)
  expect(agent.leases.size).toBe(1)
  expect(believed(stage, agent)).toBe(3)
  await tenant.cancel(id)
  await stage.world.advance(1_000)
  expect(believed(stage, agent)).toBe(4)
  expect(stage.market().modules.supply.heldSlots(agent.address)).toBe(0)
})

test('a bid that wins a part of its slots gives back the others, and with its lease all', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 3, nanoUsd: 900n, taskMs: 60_000 })
  const rival = await stage.agent({ key: 2, slots: 4, nanoUsd: 100n, taskMs: 60_000 })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(spec(6))
  await stage.world.advance(1_000)
  expect([agent, rival].map((each) => believed(stage, each))).toEqual([0, 0])
  await stage.world.advance(windowMs)
  expect([agent.leases.size, rival.leases.size]).toEqual([1, 1])
  expect(stage.market().modules.supply.heldSlots(agent.address)).toBe(2)
  await tenant.cancel(id)
  await stage.world.advance(1_000)
  expect([agent, rival].map((each) => believed(stage, each))).toEqual([3, 4])
})
