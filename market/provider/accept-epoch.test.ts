import { expect, test } from 'vitest'
import { rehearse } from '../rehearsal/rehearse.ts'

test('an older epoch is refused while its provider is linked and shortly after; later the refusal names the newest', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 1n })
  const accept = (epoch: number) => stage.market().acceptEpoch(agent.address, epoch)
  expect(await accept(700)).toBe(true)
  expect(await accept(700)).toBe(false)
  await stage.world.advance(100_000)
  expect(await accept(1)).toBe(false)
  agent.cut()
  await stage.world.advance(59_000)
  expect(await accept(1)).toBe(false)
  await stage.world.advance(2_000)
  await expect(accept(1)).rejects.toMatchObject({ code: 'link_superseded', facts: { newest: 700, isGone: true } })
  expect(await accept(701)).toBe(true)
})
