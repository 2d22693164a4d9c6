import type { JobId } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import type { NodeRow } from '../node-store.ts'
import { address, at, someEvent, someId, someJobRow, submitted } from '../test-records.ts'
import { append, codes, refusal, type OpenStore } from './expectations.ts'

const aNode = (id: string, name: string): NodeRow => ({
  id,
  name,
  url: 'https://127.0.0.1:7700',
  market: address('a'),
  blobs: 'here',
  version: '0.1.0',
  startedAt: at,
  beat: 0,
  links: 0,
  jobs: 0,
})

export const describeNodes = (under: OpenStore): void => {
  describe('nodes', () => {
    const owned = async (owner: string): Promise<JobId> => {
      const [job, tenant] = [someId('job'), someId('tenant')]
      await under.store.commit({
        appends: [append(job, 0, submitted(job, tenant))],
        jobs: [{ ...someJobRow(job, tenant), owner }],
      })
      return job
    }
    /** Other tests leave open jobs that nobody owns. */
    const claimAll = async (id: string): Promise<readonly JobId[]> => {
      const all: JobId[] = []
      for (;;) {
        const some = await under.store.nodes.claim(id, 7)
        all.push(...some)
        if (some.length < 7) return all
      }
    }

    test('enter, beat, are taken out while they stand still, and come back under their name', async () => {
      const { nodes } = under.store
      await nodes.enter(aNode('run-1', 'first'))
      await nodes.enter({ ...aNode('run-2', 'second'), url: null })
      expect(await nodes.beat('run-1', { links: 3, jobs: 4 })).toBe(true)
      expect(await nodes.list()).toEqual([
        { ...aNode('run-1', 'first'), beat: 1, links: 3, jobs: 4 },
        { ...aNode('run-2', 'second'), url: null },
      ])
      expect(await nodes.remove('run-1', 0)).toBe(false)
      expect(await nodes.remove('run-1', 1)).toBe(true)
      expect(await nodes.beat('run-1', { links: 0, jobs: 0 })).toBe(false)
      await nodes.enter(aNode('run-3', 'second'))
      expect((await nodes.list()).map(({ id }) => id)).toEqual(['run-3'])
      expect(await nodes.beat('run-2', { links: 0, jobs: 0 })).toBe(false)
      expect(await nodes.remove('run-3')).toBe(true)
      expect(await nodes.remove('run-3')).toBe(false)
    })

    test('only the owner of a job writes it', async () => {
      const { nodes } = under.store
      await nodes.enter(aNode('a-1', 'a'))
      await nodes.enter(aNode('b-1', 'b'))
      const job = await owned('a-1')
      const row = someJobRow(job, someId('tenant'))
      const write = (owner: string | undefined, version: number) =>
        under.store.commit({
          appends: [append(job, version, someEvent())],
          jobs: [{ ...row, ...(owner === undefined ? {} : { owner }) }],
        })
      await write('a-1', 1)
      const refused = await refusal(write('b-1', 2))
      expect([refused.code, refused.facts['owner']]).toEqual(['stale_writer', 'a-1'])
      await write(undefined, 2)
      expect(await nodes.ownersOf([job, someId('job')])).toEqual(new Map([[job, 'a-1']]))
      await under.store.commit({ jobs: [{ ...row, phase: 'failed', closedAt: at, owner: 'a-1' }] })
      expect(await nodes.ownersOf([job])).toEqual(new Map())
      await nodes.remove('a-1')
      await nodes.remove('b-1')
    })

    test('what a node that is out owned goes to those that claim it, each job to one', async () => {
      const { nodes } = under.store
      await nodes.enter(aNode('c-1', 'c'))
      await claimAll('c-1')
      const jobs = await Promise.all([owned('c-1'), owned('c-1'), owned('c-1'), owned('c-1')])
      expect(await nodes.claim('nobody', 9)).toEqual([])
      await nodes.enter(aNode('d-1', 'd'))
      await nodes.enter(aNode('e-1', 'e'))
      expect(await nodes.claim('d-1', 9)).toEqual([])
      await nodes.enter(aNode('c-2', 'c'))
      const [d, e] = await Promise.all([claimAll('d-1'), claimAll('e-1')])
      const claimed = [...d, ...e]
      expect(new Set(claimed).size).toBe(claimed.length)
      for (const job of jobs) expect(claimed).toContain(job)
      expect(await nodes.claim('d-1', 9)).toEqual([])
      const [first] = jobs
      if (first === undefined) throw new Error('four jobs')
      const owner = d.includes(first) ? 'd-1' : 'e-1'
      const row = someJobRow(first, someId('tenant'))
      expect(
        await codes(['c-1', 'c-2', owner].map((each) => under.store.commit({ jobs: [{ ...row, owner: each }] }))),
      ).toEqual(['stale_writer', 'stale_writer', 'ok'])
      for (const id of ['c-2', 'd-1', 'e-1']) await nodes.remove(id)
    })

    test('facts are the same for all', async () => {
      const { nodes } = under.store
      await nodes.setFact('drain', '{"by":"owner"}')
      await nodes.setFact('drain', '{"by":"another"}')
      await nodes.setFact('audit', 'null')
      expect(await nodes.facts()).toEqual(
        new Map([
          ['drain', '{"by":"another"}'],
          ['audit', 'null'],
        ]),
      )
      await nodes.setFact('drain', undefined)
      await nodes.setFact('audit', undefined)
      expect(await nodes.facts()).toEqual(new Map())
    })
  })
}
