import { createLog, MusterError } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import type { PricePolicy } from './price-policy.ts'
import { watchPolicy } from './watch-policy.ts'

const asking = (nanoUsd: number): string =>
  `apiVersion: muster/v1\nkind: prices\nruntimes: { noop: { task: ${(nanoUsd / 1e9).toFixed(9)} } }\n`

const watch = (text: string) => {
  const world = createVirtualWorld(1)
  const lines: string[] = []
  const taken: (bigint | undefined)[] = []
  let content: string | null = text
  const stop = watchPolicy(
    { file: 'prices.yaml', text, everyMs: 1_000 },
    {
      world,
      log: createLog((line) => lines.push(line), world),
      readText: async () => {
        if (content === null) throw new MusterError({ code: 'request_invalid', message: 'gone' })
        return content
      },
      onPolicy: (policy: PricePolicy) => taken.push(policy.runtimes.get('noop')?.get('task')),
    },
  )
  const write = async (next: string | null, looks = 2): Promise<void> => {
    content = next
    await world.pass(looks * 1_000)
  }
  return { lines, taken, write, stop }
}

test('a changed file is taken up once two looks found the same, and once', async () => {
  const { taken, write, lines } = watch(asking(1))
  await write(asking(1), 5)
  expect(taken).toEqual([])
  await write(asking(2), 1)
  await write(asking(3), 1)
  expect(taken).toEqual([])
  await write(asking(3), 5)
  expect(taken).toEqual([3n])
  expect(lines).toHaveLength(1)
})

test('a file that cannot be used is said once with what is wrong, and the one after it is taken up', async () => {
  const { taken, write, lines } = watch(asking(1))
  await write(`${asking(2)}colour: red\n`, 10)
  expect(taken).toEqual([])
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'error',
    msg: 'the price file cannot be used; the prices before it stay',
    issues: [{ path: 'colour' }],
  })
  await write(asking(1))
  expect(taken).toEqual([1n])
})

test('a file that is gone for a while changes nothing, and is said once', async () => {
  const { taken, write, lines } = watch(asking(1))
  await write(null, 1)
  await write(asking(1), 3)
  expect(lines).toEqual([])
  await write(null, 10)
  expect(lines).toHaveLength(1)
  await write(asking(1), 3)
  await write(asking(4), 3)
  expect(taken).toEqual([4n])
})

test('once stopped it looks no more', async () => {
  const { taken, write, stop } = watch(asking(1))
  stop()
  await write(asking(2), 10)
  expect(taken).toEqual([])
})
