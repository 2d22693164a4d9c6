import { expect, test } from 'vitest'
import { plotDay } from './plot-day.ts'
import { figuresOf, type AwardFigures, type DayFigures } from './summarise-day.ts'

const tally = (tasks: number, price: number) =>
  figuresOf({
    tasks,
    runs: tasks * 1.2,
    lost: tasks * 0.2,
    operators: tasks * 10,
    billed: tasks * 10 * price,
    spent: tasks * 11 * price,
    ranMs: tasks,
    lostMs: tasks / 10,
  })

const award = (price: number): AwardFigures => ({
  jobs: 3,
  abandonedTasks: 0,
  jobP50Minutes: 1,
  jobP95Minutes: 2,
  all: tally(1_000, price),
  underTenMinutes: tally(1_000, price),
  underAnHour: tally(0, price),
  anHourAndMore: tally(0, price),
  hours: [tally(500, price), tally(400, price * 1.1), tally(2, price * 50), tally(300, price)],
})

const day: DayFigures = {
  seed: 1,
  agents: 10_000,
  tasks: 1_000_000,
  nodes: 1,
  plannedHours: 4,
  award: 'both',
  isKnown: true,
  wallSeconds: 1,
  cpuSeconds: 1,
  peakMiB: 1,
  violation: null,
  trace: 'cafe0001',
  virtualHours: 5,
  events: 1,
  commits: 1,
  runs: 1,
  jobs: 6,
  sessions: 5,
  sessionMedianMinutes: 10,
  outageMeanMinutes: 10,
  upShare: 0.9,
  busyShare: 0.5,
  lowest: award(30_000),
  effective: award(20_000),
  regionOutages: [
    { region: 'eu-1', fromMs: 3_600_000, toMs: 5_400_000, machines: 40 },
    { region: 'eu-2', fromMs: 5 * 3_600_000, toMs: 6 * 3_600_000, machines: 40 },
  ],
}

test('a line for each rule in each panel, without hours in which nearly nothing ended', () => {
  const svg = plotDay(day)
  const lines = [...svg.matchAll(/<polyline class="line (\w+)" points="([^"]+)"/g)]
  expect(lines.map(([, name]) => name)).toEqual(['lowest', 'effective', 'lowest', 'effective'])
  for (const [, , points = ''] of lines) expect(points.split(' ')).toHaveLength(3)
  expect(svg).not.toContain('NaN')
})

test('what is dearer is drawn above', () => {
  const [lowest = 0, effective = 0] = [...plotDay(day).matchAll(/points="[\d.]+,([\d.]+)/g)].map(([, y]) => Number(y))
  expect(lowest).toBeLessThan(effective)
})

test('outages of a region within the day, in each panel', () => {
  expect([...plotDay(day).matchAll(/class="outage"[^>]*height="(190|130)"/g)]).toHaveLength(2)
})

test('an empty day is said to be one', () => {
  const empty = { ...award(1), hours: [] }
  expect(plotDay({ ...day, lowest: empty, effective: empty })).toContain('too few tasks')
})
