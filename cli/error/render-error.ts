import { sayRefusal, toJson, type Issue, type MusterError, type NearMiss, type Refusal } from '@muster/sdk'
import { shorten } from '../format/format-record.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import { renderTable } from '../terminal/render-table.ts'
import { styleFor } from '../terminal/style.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { printable } from '../terminal/text-width.ts'
import { wrapLines } from '../terminal/wrap-lines.ts'
import { isAmount, sayAmount, sayAmounts } from './say-amounts.ts'
import { sayRequirement } from './say-requirement.ts'
import { adviseOn, sayFault } from './advice.ts'
import { isMerelyBusy } from './is-merely-busy.ts'

const inTables = new Set(['issues', 'nearest', 'refusals', 'problems'])
const inSentence = new Set(['slots', 'offers'])
const inAdvice = new Set(['see'])

/** What an issue of another version leaves out is shown as nothing. */
const cell = (text: string | undefined): string => printable(text ?? '–')

/** What belongs at a place and what was found there, both in dollars where the one is an amount. */
const cellsOf = ({ expected, found }: Partial<Issue>): [string, string] => {
  const isMoney = expected !== undefined && found !== undefined && / nano-dollars\b/.test(expected)
  const isBare = isMoney && /^-?\d{1,19}$/.test(found)
  return [cell(expected && sayAmounts(expected)), cell(found && sayAmounts(isBare ? `${found} nano-dollars` : found))]
}

const listOf = <Item>(facts: MusterError['facts'], name: string): readonly Item[] =>
  Array.isArray(facts[name]) ? (facts[name] as Item[]) : []

const sayValue = (value: unknown): string =>
  printable(
    typeof value === 'string'
      ? value
      : Array.isArray(value)
        ? value.map(sayValue).join(', ')
        : typeof value === 'bigint'
          ? value.toString()
          : ((toJson(value) as string | undefined) ?? 'nothing'),
  )

const issueTable = (issues: readonly Issue[], style: ReturnType<typeof styleFor>, width: number): string =>
  renderTable(
    [
      { title: 'where' },
      { title: 'expected', isFlexible: true, wraps: true, paint: style.green },
      { title: 'found', isFlexible: true, wraps: true, paint: style.red },
    ],
    issues.map((issue) => [printable(issue.path === '' ? 'the whole' : issue.path), ...cellsOf(issue)]),
    { style, width, indent: '  ' },
  )

/** Without the further offers of a provider that lack all that an earlier, nearer one lacks: they say nothing new. */
const tellingOf = (nearest: readonly NearMiss[]): NearMiss[] =>
  nearest.filter(({ provider, failed }, at) => {
    const lacked = new Set(failed.map(({ requirement }) => requirement))
    const lacksAllOf = (nearer: NearMiss): boolean => nearer.failed.every(({ requirement }) => lacked.has(requirement))
    return !nearest.slice(0, at).some((nearer) => nearer.provider === provider && lacksAllOf(nearer))
  })

/** Each near offer with every requirement it failed, one line each. */
const nearMissTable = (nearest: readonly NearMiss[], style: ReturnType<typeof styleFor>, width: number): string =>
  renderTable(
    [
      { title: 'provider' },
      { title: 'requirement' },
      { title: 'expected', isFlexible: true, wraps: true, paint: style.green },
      { title: 'found', isFlexible: true, wraps: true, paint: style.red },
    ],
    nearest.flatMap(({ provider, failed }) =>
      failed
        .map(sayRequirement)
        .map(({ requirement, expected, found }, index) => [
          index === 0 ? shorten(provider) : '',
          printable(requirement),
          printable(expected),
          printable(found),
        ]),
    ),
    { style, width, indent: '  ' },
  )

const causes = (error: unknown): string[] => {
  if (!(error instanceof Error)) return error === undefined ? [] : [String(error)]
  return [error.stack ?? error.message, ...causes(error.cause)]
}

/** The sentence; where a table says the details, without them. Of offers that are only busy the message says how many there are. */
const sentenceOf = ({ code, message, facts }: MusterError): string => {
  if (code !== 'nothing_fits' || listOf(facts, 'nearest').length === 0 || isMerelyBusy({ code, facts }))
    return sayAmounts(message)
  return `None of ${sayValue(facts['offers'])} offers fits. What the nearest lack:`
}

/** An error for a person: the sentence, the labelled facts, whose fault it is, what to do; with `verbose` the causes. */
export const renderError = (error: MusterError, terminal: Terminal, isVerbose: boolean): string => {
  const style = styleFor(terminal)
  const width = terminal.stderr.columns
  const { facts } = error
  const issues = [...listOf<Issue>(facts, 'issues'), ...listOf<Issue>(facts, 'problems')]
  const tables = [
    issueTable(issues, style, width),
    nearMissTable(tellingOf(listOf<NearMiss>(facts, 'nearest')), style, width),
    listOf<Refusal>(facts, 'refusals')
      .map((refusal) => `  ${printable(sayRefusal(refusal))}\n`)
      .join(''),
  ].filter((table) => table !== '')
  const labelled = renderFacts(
    [
      ...Object.entries(facts).flatMap(([name, value]): [string, string][] =>
        inAdvice.has(name) ||
        (inTables.has(name) && Array.isArray(value)) ||
        (error.code === 'nothing_fits' && inSentence.has(name))
          ? []
          : [[name, isAmount(error.code, name, value) ? sayAmount(value) : sayValue(value)]],
      ),
      ['code', error.code],
      ['fault', sayFault(error.fault)],
      ['do', adviseOn(error)],
    ],
    { style, indent: '  ' },
  )
  const because = isVerbose ? `\n${style.dim(causes(error).join('\ncaused by: '))}\n` : ''
  const said = `${style.red('✗')} ${style.bold(printable(sentenceOf(error)))}\n${tables.map((table) => `\n${table}`).join('')}\n${labelled}`
  return wrapLines(said, width) + because
}
