import { encodeCanonical, type Problem } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, rehearse } from '../rehearsal/rehearse.ts'
import { boundProblem, maxFactBytes, maxMessageLength } from './bound-problem.ts'

const crashed = (change: Partial<Problem> = {}): Problem => ({
  code: 'program_crashed',
  message: 'The program crashed.',
  facts: { signal: 'SIGSEGV', at: [1, { line: 2 }] },
  fault: 'program',
  retry: 'never',
  ...change,
})

const nested = (depth: number): unknown => (depth === 0 ? { toString: 1 } : [nested(depth - 1)])

/** The one failure of a job of one task whose only attempt ends in this problem, and the job's events in the journal. */
const failWith = async (problem: Problem) => {
  const stage = await rehearse()
  await stage.agent({ key: 1, slots: 1, nanoUsd: 10n, script: { run: () => ({ problem }) } })
  const tenant = await stage.tenant()
  const spec = noopSpec(1, { slots: 1, limits: { taskTimeoutMs: 1_000, maxFailures: 1 } })
  const { id } = await tenant.submit(spec)
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'failed', charged: '0' })
  const failed = (await tenant.events(id)).find(({ type }) => type === 'failed')?.tasks?.[0]?.problem
  await stage.audit(id)
  return {
    failed,
    stored: await stage.store().readEvents(id, { from: 0, limit: 100 }),
    task: (await tenant.tasks(id))[0],
  }
}

test('a failure is kept as the agent told it', async () => {
  const { failed, task } = await failWith(crashed())
  expect(failed).toEqual(crashed())
  expect(task?.problem).toMatchObject({
    code: 'attempts_exhausted',
    facts: { signal: 'SIGSEGV', last: 'program_crashed' },
  })
})

test('a failure as large as a message leaves a small one in the journal, and the task ends as any', async () => {
  const huge = crashed({
    code: 'x'.repeat(100_000),
    message: '🙂'.repeat(100_000),
    facts: { dump: 'x'.repeat(500_000), signal: 'SIGSEGV', deep: nested(7) },
  })
  const { failed, stored } = await failWith(huge)
  expect(failed?.facts).toEqual({ signal: 'SIGSEGV', omitted: '2 facts too large or too deep to keep' })
  expect(failed?.message.length).toBeLessThanOrEqual(maxMessageLength)
  expect(failed?.message.isWellFormed()).toBe(true)
  expect(
    JSON.stringify(
      stored.map(({ event }) => (event.type === 'submitted' ? '' : event)),
      plain,
    ).length,
  ).toBeLessThan(20_000)
})

const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

describe('bounding a problem', () => {
  test('leaves what is small enough as it is', () => {
    expect(boundProblem(crashed())).toEqual(crashed())
    const exact = crashed({ message: 'x'.repeat(maxMessageLength) })
    expect(boundProblem(exact)).toEqual(exact)
  })

  test('keeps many facts as long as they fit together', () => {
    const facts = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`fact${index}`, index]))
    const kept = boundProblem(crashed({ facts })).facts
    expect(encodeCanonical(kept).length).toBeLessThan(maxFactBytes + 100)
    expect(Object.keys(kept).length).toBeGreaterThan(500)
    expect(kept['omitted']).toBe(`${2_000 - Object.keys(kept).length + 1} facts too large or too deep to keep`)
  })

  test.each([
    [6, true],
    [7, false],
  ])('a fact of %i levels is kept: %s', (levels, isKept) => {
    const deep = Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 'end')
    const { facts } = boundProblem(crashed({ facts: { deep } }))
    expect(facts).toEqual(isKept ? { deep } : { omitted: '1 facts too large or too deep to keep' })
  })

  test('takes the place of a fact of the same name', () => {
    const facts = { omitted: 'nothing', dump: new Uint8Array(10_000) }
    expect(boundProblem(crashed({ facts })).facts).toEqual({ omitted: '1 facts too large or too deep to keep' })
  })
})
