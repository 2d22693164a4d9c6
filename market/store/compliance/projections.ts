import { describe, expect, test } from 'vitest'
import { at, someId, someJobRow } from '../test-records.ts'
import type { OpenStore } from './expectations.ts'

export const describeProjections = (under: OpenStore): void => {
  describe('jobs', () => {
    test('rows are listed by tenant and phase, newest first, in pages', async () => {
      const tenant = someId('tenant')
      const ids = Array.from({ length: 5 }, () => someId('job')).toSorted()
      await under.store.commit({ jobs: ids.map((id) => someJobRow(id, tenant)) })
      const [first, second, third, fourth, fifth] = ids
      if (!first || !second || !third || !fourth || !fifth) throw new Error('five ids')
      const counts = { waiting: 0, running: 0, accepted: 0, final: 2, abandoned: 0, cancelled: 0 }
      const done = someJobRow(third, tenant, { phase: 'succeeded', counts, charged: 5n, closedAt: at + 9 })
      await under.store.commit({ jobs: [done] })
      expect(await under.store.jobs.get(third)).toEqual(done)
      const page = await under.store.jobs.list({ tenant, limit: 2 })
      expect(page.map(({ id }) => id)).toEqual([fifth, fourth])
      const next = await under.store.jobs.list({ tenant, limit: 9, before: fourth })
      expect(next.map(({ id }) => id)).toEqual([third, second, first])
      expect(await under.store.jobs.list({ tenant, phase: 'succeeded', limit: 9 })).toEqual([done])
      expect(await under.store.jobs.list({ tenant: someId('tenant'), limit: 9 })).toEqual([])
      const active = await under.store.jobs.active()
      expect(ids.filter((id) => active.includes(id))).toEqual([first, second, fourth, fifth])
    })

    test('the last row of a job in a group holds', async () => {
      const [id, tenant] = [someId('job'), someId('tenant')]
      const rows = [1, 2, 3].map((waiting) =>
        someJobRow(id, tenant, { counts: { ...someJobRow(id, tenant).counts, waiting } }),
      )
      await Promise.all(rows.map((row) => under.store.commit({ jobs: [row] })))
      expect(await under.store.jobs.get(id)).toEqual(rows.at(-1))
    })
  })
}
