import type { BenchmarkEntry } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { address, at } from '../test-records.ts'
import type { OpenStore } from './expectations.ts'

const entryAt = (id: string, provider: string, when: number): BenchmarkEntry => ({
  id,
  provider: address(provider),
  at: when,
  outcome: 'refused',
  reason: 'says "no" \\ ü',
  execSpec: '',
  figures: {
    gflops: 7.25,
    claimedGflops: 8,
    downMbps: 0.1,
    upMbps: 1e9,
    memoryMBps: 1,
    diskWriteMBps: 2,
    diskReadMBps: 3,
    mismatches: ['Conv 1x1'],
    gpus: [],
  },
  soldGflops: null,
  answers: [],
})

export const describeBenchmarks = (under: OpenStore): void => {
  describe('benchmarks', () => {
    const [first, second, third] = [entryAt('a', '1', at), entryAt('b', '1', at + 1), entryAt('c', '1', at + 1)]
    const other = entryAt('d', '2', at - 5)

    test('are added once by their id, come back as they were, newest first, and are forgotten when they are old', async () => {
      const { benchmarks } = under.store
      for (const entry of [first, third, second, other]) expect(await benchmarks.add(entry)).toBe(true)
      expect(await benchmarks.add({ ...first, outcome: 'late' })).toBe(false)
      expect(await benchmarks.newestOf([address('1'), address('2'), address('3')], 10)).toEqual(
        new Map([
          [address('1'), [third, second, first]],
          [address('2'), [other]],
        ]),
      )
      expect(await benchmarks.newestOf([address('1')], 2)).toEqual(new Map([[address('1'), [third, second]]]))
      expect(await benchmarks.newestOf([], 2)).toEqual(new Map())
      expect(await benchmarks.prune(at)).toBe(1)
      expect(await benchmarks.prune(at + 2)).toBe(3)
      expect(await benchmarks.newestOf([address('1'), address('2')], 9)).toEqual(new Map())
    })
  })
}
