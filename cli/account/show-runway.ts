import { formatUsd } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { sayName } from '../format/say-name.ts'
import { formatDuration } from '../format/format-duration.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import { renderTable } from '../terminal/render-table.ts'
import { sayRunway } from './say-money.ts'

const columns = [
  { title: 'job' },
  { title: 'name', isFlexible: true },
  { title: 'an hour', align: 'right' },
  { title: 'in escrow', align: 'right' },
  { title: 'will spend', align: 'right' },
] as const

/** `muster account runway`: how long the money lasts as it is being spent now, and by which jobs. */
export const showRunway = async (session: Session): Promise<number> => {
  const muster = await session.connect()
  const { style, terminal } = session
  const runway = await muster.runway({ signal: session.signal })
  session.print(runway, () => {
    const { balance, escrow, burn, runwayMs, warnBelowMs, graceMs, jobs } = runway
    const rows = jobs.map((job) => [
      job.job,
      sayName(job.name),
      formatUsd(job.burn),
      formatUsd(job.escrow),
      formatUsd(job.expected),
    ])
    const sum = `(${formatUsd(balance)} + ${formatUsd(escrow)} in escrow) ÷ ${formatUsd(burn)} an hour`
    const facts = renderFacts(
      [
        ['lasts', `${style.bold(sayRunway(runwayMs))}${burn === 0n ? '' : style.dim(`  ${sum}`)}`],
        ['warnings', `below ${warnBelowMs.map(formatDuration).join(' and ')}`],
        ['then', `nothing that runs is stopped; uploads go on for ${formatDuration(graceMs)} once all is used up`],
      ],
      { style },
    )
    const table = renderTable(columns, rows, { style, width: terminal.stdout.columns })
    return jobs.length === 0 ? facts : `${facts}\n${table}`
  })
  return exitCodes.ok
}
