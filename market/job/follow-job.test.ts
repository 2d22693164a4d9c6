import { expect, test } from 'vitest'
import { createFollowJob } from './follow-job.ts'
import { loadJob } from './load-job.ts'
import { noopSpec, rehearse } from '../rehearsal/rehearse.ts'

test('a job is followed to its end, and what was read of it is not read again', async () => {
  const stage = await rehearse()
  await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 1_000 })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(40, { slots: 1 }))
  const store = stage.store()
  let streams = 0
  const from: number[] = []
  const follow = createFollowJob({
    readStream: (stream) => {
      streams++
      return store.readStream(stream)
    },
    readEvents: (stream, page) => {
      from.push(page.from)
      return store.readEvents(stream, page)
    },
  })
  for (let round = 0; round < 5; round++) {
    const [first, second] = await Promise.all([follow(id), follow(id)])
    const expected = (await loadJob(store, id))?.job
    expect(first?.counts).toEqual(expected?.counts)
    expect(second?.counts).toEqual(expected?.counts)
    await stage.world.advance(3_000)
  }
  expect(streams).toBeLessThanOrEqual(6)
  expect(from.length).toBeGreaterThanOrEqual(4)
  expect(from.toSorted((a, b) => a - b)).toEqual(from)
  await stage.closed(tenant, id)
  expect((await follow(id))?.closed).toBe('succeeded')
  expect(await follow('job_01K5KRN0M0ABCDEFGHJKMNPQRT' as typeof id)).toBeUndefined()
})
