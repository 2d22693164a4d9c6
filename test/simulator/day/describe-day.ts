import type { AwardFigures, CostFigures, DayFigures } from './summarise-day.ts'

const usd = (amount: number): string => `$${amount.toFixed(5)}`
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

const describeCost = (name: string, figures: CostFigures): string =>
  `  ${name}: ${figures.tasks} tasks, ${Math.round(figures.workHours)} hours of work; an hour of it cost ${usd(figures.effectiveUsdPerWorkHour)} ` +
  `(${usd(figures.billedUsdPerWorkHour)} on the bill), ${figures.attemptsPerTask.toFixed(3)} runs a task, ${percent(figures.lostShare)} of the time lost`

const describeAward = (name: string, figures: AwardFigures): string[] =>
  figures.jobs === 0
    ? []
    : [
        `${name}: ${figures.jobs} jobs, done in ${Math.round(figures.jobP50Minutes)} min (median) and ${Math.round(figures.jobP95Minutes)} min (19 of 20); ${figures.abandonedTasks} tasks given up`,
        describeCost('all', figures.all),
        describeCost('programs under 10 min', figures.underTenMinutes),
        describeCost('under an hour', figures.underAnHour),
        describeCost('an hour and more', figures.anHourAndMore),
      ]

/** A day for a person. */
export const describeDay = (day: DayFigures): string =>
  [
    `${day.agents} agents, ${day.tasks} tasks, ${day.virtualHours.toFixed(1)} hours in ${Math.round(day.wallSeconds)} s (${Math.round(day.cpuSeconds)} s of processor time, ${day.peakMiB} MiB)`,
    day.violation === null
      ? 'everything held'
      : `${day.violation.invariant} did not hold at ${day.violation.atMs.toFixed()} ms: ${day.violation.message}`,
    `${day.events} events, ${day.commits} commits, ${day.runs} runs of tasks of ${day.jobs} jobs, trace ${day.trace}`,
    `${day.sessions} sessions, half of them under ${day.sessionMedianMinutes.toFixed(1)} min; outages of ${day.outageMeanMinutes.toFixed(1)} min in the mean, ${day.regionOutages.length} of a region`,
    `${percent(day.upShare)} of the machines up, ${percent(day.busyShare)} of their slots at work`,
    ...describeAward('lowest', day.lowest),
    ...describeAward('effective', day.effective),
  ].join('\n')
