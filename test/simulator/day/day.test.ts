import { describe, expect, test } from 'vitest'
import { bugs } from '../bugs.ts'
import { runDay, type DayAt } from './run-day-in-thread.ts'
import type { DayPlan } from './day-plan.ts'

const short: DayPlan = {
  seed: 7,
  agents: 40,
  tasks: 300,
  nodes: 1,
  hours: 1,
  award: 'both',
  isLarge: false,
  isKnown: true,
}
const small: DayPlan = { ...short, agents: 200, tasks: 5_000, hours: 2 }

const run = async (plan: DayPlan) => {
  const seen: DayAt[] = []
  const day = await runDay(plan, (at) => seen.push(at))
  return { day, seen }
}

describe('two hours of a market whose machines come and go', () => {
  test('everything holds, every task is accounted for, and the figures agree', { timeout: 120_000 }, async () => {
    const { day, seen } = await run(small)
    expect(day.violation).toBeNull()
    const tasks = day.lowest.all.tasks + day.effective.all.tasks
    expect(tasks + day.lowest.abandonedTasks + day.effective.abandonedTasks).toBe(small.tasks)
    expect(day.lowest.jobs + day.effective.jobs).toBe(day.jobs)
    expect(day.sessions).toBeGreaterThan(200)
    expect(day.runs).toBeGreaterThan(tasks)
    for (const { all, hours, underTenMinutes, underAnHour, anHourAndMore } of [day.lowest, day.effective]) {
      expect(hours.reduce((sum, hour) => sum + hour.tasks, 0)).toBe(all.tasks)
      expect(underTenMinutes.tasks + underAnHour.tasks + anHourAndMore.tasks).toBe(all.tasks)
      expect(all.attemptsPerTask).toBeGreaterThan(1)
      expect(all.lostShare).toBeGreaterThan(0)
      expect(all.effectiveUsdPerWorkHour).toBeGreaterThan(all.billedUsdPerWorkHour)
    }
    expect(seen.length).toBeGreaterThanOrEqual(2)
  })

  test.each([1, 3])('the same plan gives the same day, with %i nodes', { timeout: 120_000 }, async (nodes) => {
    const { day } = await run({ ...short, nodes })
    expect(day.violation).toBeNull()
    // Whether what was written is kept until the end makes no difference to anybody.
    const again = await run({ ...short, nodes, isLarge: true })
    const { trace, runs, commits, lowest, effective, sessions, virtualHours } = day
    expect(again.day).toMatchObject({ trace, runs, commits, lowest, effective, sessions, virtualHours })
  })

  test('another seed gives another day', { timeout: 120_000 }, async () => {
    const [one, other] = [await run({ ...short, tasks: 50 }), await run({ ...short, tasks: 50, seed: 8 })]
    expect(one.day.trace).not.toBe(other.day.trace)
  })

  test('finds a planted bug', { timeout: 120_000 }, async () => {
    const { day } = await run({ ...short, bug: 'probe-skipped' })
    expect(day.violation?.invariant).toBe(bugs['probe-skipped'])
  })
})
