import { formatUsd, type Address, type FinishedTask } from '@muster/sdk'
import { renderFacts, renderTable, type Style } from '@muster/cli'
import { characterErrors } from '../text/character-errors.ts'
import { errorRateOf } from './judge-run.ts'
import type { OcrRun } from './run-on-network.ts'

const percent = (rate: number): string => `${(100 * rate).toFixed(2)} %`
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Providers by the name their offers carry, else by the start of their address. */
const namesOf = ({ offers }: OcrRun): ((provider: Address | undefined) => string) => {
  const names = new Map(offers.map(({ record }) => [record.provider, record.attributes['name']]))
  return (provider) => (provider === undefined ? 'unknown' : (names.get(provider) ?? `${provider.slice(0, 8)}…`))
}

/** The tasks of each page: its detection, and the recognition of its pieces. */
const tasksByPage = ({ waves, texts }: OcrRun): FinishedTask[][] => {
  const [detection, recognition] = ['detection', 'recognition'].map(
    (wave) => waves.find(({ report }) => report.wave === wave)?.report.tasks ?? [],
  )
  let next = 0
  return texts.map(({ pieces }, page) => {
    const start = next
    next += pieces
    return [...(detection?.slice(page, page + 1) ?? []), ...(recognition?.slice(start, next) ?? [])]
  })
}

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n)

/** What all tasks would have cost at the dearest offer that fitted. */
const dearestCost = ({ waves, offers }: OcrRun): bigint => {
  const price = offers.reduce((most, { record }) => (record.price.nanoUsd > most ? record.price.nanoUsd : most), 0n)
  return sum(waves.map(({ report }) => price * BigInt(report.program.manifest.operators) * BigInt(report.tasks.length)))
}

const pageTable = (run: OcrRun, style: Style, width: number): string => {
  const nameOf = namesOf(run)
  const tasks = tasksByPage(run)
  const rows = run.pages.map(({ file, lines: known }, page) => {
    const mine = tasks[page] ?? []
    const lines = run.texts[page]?.lines ?? []
    const errors = known === undefined ? undefined : characterErrors(lines, known)
    return [
      file,
      String(lines.length),
      errors === undefined ? '–' : percent(errors.errors / Math.max(1, errors.characters)),
      [...new Set(mine.map(({ provider }) => nameOf(provider)))].toSorted().join(', '),
      String(mine.reduce((count, { fence }) => count + fence, 0)),
      formatUsd(sum(mine.map(({ amount }) => amount))),
    ]
  })
  return renderTable(
    [
      { title: 'page', isFlexible: true },
      { title: 'lines', align: 'right' },
      { title: 'errors', align: 'right' },
      { title: 'providers', isFlexible: true },
      { title: 'attempts', align: 'right' },
      { title: 'price', align: 'right' },
    ],
    rows,
    { style, width },
  )
}

/** What went wrong on the way and was made good, from the timelines of the two jobs. */
export const lossesOf = (run: OcrRun): string[] => {
  const nameOf = namesOf(run)
  return run.waves.flatMap(({ report: { wave, events, tasks } }) => {
    const holders = new Map<string, Address>()
    const sentences: string[] = []
    for (const event of events) {
      for (const { index, fence } of event.tasks ?? []) {
        if (event.type === 'dispatched' && event.provider !== undefined)
          holders.set(`${index}.${fence}`, event.provider)
      }
      if (event.type !== 'lost' && event.type !== 'failed') continue
      const gone = event.tasks ?? []
      const from = nameOf(holders.get(`${gone[0]?.index}.${gone[0]?.fence}`))
      const to = new Set(gone.map(({ index }) => nameOf(tasks[index]?.provider)))
      const what = `${gone.length} ${gone.length === 1 ? 'attempt' : 'attempts'} of ${wave}`
      sentences.push(
        `${from} ${event.type === 'lost' ? 'was lost with' : 'failed'} ${what}; done again by ${[...to].join(', ')}, charged once.`,
      )
    }
    return sentences
  })
}

const namedComplaints = 10

const sayComplaints = (complaints: readonly string[], style: Style): string => {
  const named = complaints.slice(0, namedComplaints).map((text) => `${style.red('✗')} ${text}`)
  const more = complaints.length - named.length
  return [...named, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n')
}

/** The result of a run for a person: a line a page, then the totals. */
export const summariseRun = (run: OcrRun, complaints: readonly string[], style: Style, width: number): string => {
  const charged = sum(run.waves.map(({ bill }) => bill.charged))
  const dearest = dearestCost(run)
  const rate = errorRateOf(run)
  const count = run.waves.reduce((total, { bill }) => total + bill.receipts.length, 0)
  const losses = lossesOf(run)
  const isKnown = rate !== undefined
  const digests = complaints.some((text) => text.includes('differs'))
    ? style.red('differ')
    : 'all as shipped, bit for bit'
  const facts: [string, string][] = [
    [
      'pages',
      `${run.pages.length}, ${run.texts.reduce((total, { lines }) => total + lines.length, 0)} lines, in ${seconds(run.tookMs)}`,
    ],
    ...(isKnown
      ? [['character errors', percent(rate)] as [string, string], ['output digests', digests] as [string, string]]
      : []),
    ['receipts', `${count}, one for each task, checked offline`],
    ['charged', `${formatUsd(charged)}`],
    ['the auction saved', `${formatUsd(dearest - charged)} of ${formatUsd(dearest)} at the dearest offer that fitted`],
    ['machines lost', losses.length === 0 ? 'none' : losses.join('\n')],
  ]
  const verdict =
    complaints.length === 0 ? style.green(isKnown ? 'Done and right.' : 'Done.') : sayComplaints(complaints, style)
  return `${pageTable(run, style, width)}\n${renderFacts(facts, { style })}\n${verdict}\n`
}
