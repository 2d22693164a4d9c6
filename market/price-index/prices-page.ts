import { createHash } from 'node:crypto'
import {
  indexRules,
  priceUnitName,
  sayUsd,
  shownUsd,
  type PriceHistory,
  type PriceHistoryQuery,
  type PriceIndex,
} from '@muster/protocol'
import { escapeHtml } from './escape-html.ts'
import { priceChart } from './price-chart.ts'

type Row = PriceIndex['prices'][number]

const style = `
:root { color-scheme: light dark; --ink: #1d2129; --dim: #5c6470; --line: #dfe3e8; --paper: #fff; --price: #0b62c4; --band: #0b62c42e; --asked: #a15c00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaee; --dim: #9aa4b1; --line: #333a44; --paper: #14171c; --price: #6cb2ff; --band: #6cb2ff38; --asked: #e0a458; } }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; }
p, .key, li { color: var(--dim); margin: .25rem 0 1rem; max-width: 48rem; } a { color: var(--price); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { color: var(--dim); font-weight: 500; text-align: left; } th, td { border-bottom: 1px solid var(--line); padding: .35rem .5rem; white-space: nowrap; }
.n { text-align: right; } tr[aria-current] td { font-weight: 600; }
svg { display: block; height: auto; min-width: 36rem; width: 100%; } .label { fill: var(--dim); font: 12px system-ui, sans-serif; } .grid { stroke: var(--line); }
.band { fill: var(--band); } .price { fill: none; stroke: var(--price); stroke-width: 2; } .dot { fill: var(--price); } .asked { fill: none; stroke: var(--asked); stroke-dasharray: 4 3; stroke-width: 1.5; }
.key span { margin-right: 1rem; white-space: nowrap; } .key i { display: inline-block; height: .8rem; margin-right: .3rem; vertical-align: -.05rem; width: 1.2rem; }
.key .of-price { border-bottom: 2px solid var(--price); height: .3rem; vertical-align: .25rem; } .of-band { background: var(--band); } .key .of-asked { border-bottom: 2px dashed var(--asked); height: .3rem; vertical-align: .25rem; }
`

/** Nothing is loaded, nothing runs, and only this style counts. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'cache-control': 'public, max-age=60',
}

const minute = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

const linkOf = ({ kind, per, region }: Pick<Row, 'kind' | 'per' | 'region'>, step: 'hour' | 'day'): string => {
  const query = new URLSearchParams({ kind, per, ...(region === null ? {} : { region }), step })
  return `/prices?${escapeHtml(query.toString())}`
}

const row = (price: Row, history: PriceHistory | undefined): string => {
  const { kind, region, per, figure, asked } = price
  const isShown = history?.kind === kind && history.per === per && history.region === region
  const say = (nano: number): string => sayUsd(shownUsd(nano, { kind, per }))
  const volume = figure === null ? 0 : per === 'operator' ? figure.volume / 1e6 : figure.volume
  const cells = [
    ['', `<a href="${linkOf(price, 'day')}">${escapeHtml(kind)}</a>`],
    ['', escapeHtml(region ?? 'all')],
    ['n', figure === null ? '–' : say(figure.price)],
    ['n', figure === null ? 'too few traded' : `${say(figure.low)} … ${say(figure.high)}`],
    ['', escapeHtml(priceUnitName({ kind, per }))],
    ['n', figure === null ? '–' : String(volume)],
    ['n', figure === null ? '–' : String(figure.providers)],
    ['n', figure === null ? '–' : String(figure.tenants)],
    ['n', asked === null ? '–' : say(asked)],
  ] as const
  const written = cells.map(([name, text]) => `<td${name === '' ? '' : ` class="${name}"`}>${text}</td>`)
  return `<tr${isShown ? ' aria-current="true"' : ''}>${written.join('')}</tr>`
}

const table = ({ prices }: PriceIndex, history: PriceHistory | undefined): string => {
  if (prices.length === 0)
    return '<p>Nothing is offered here now, and too little was traded within seven days to say what was paid.</p>'
  const titles = ['kind', 'region', 'paid', 'between', 'for a', 'volume', 'providers', 'tenants', 'lowest ask']
  const numeric = new Set(['paid', 'between', 'volume', 'providers', 'tenants', 'lowest ask'])
  const head = titles.map((title) => `<th scope="col"${numeric.has(title) ? ' class="n"' : ''}>${title}</th>`)
  const rows = prices.map((each) => row(each, history))
  return `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`
}

const section = (history: PriceHistory): string => {
  const { kind, per, region, step } = history
  const title = `${kind}, ${region ?? 'all regions'}: dollars for a ${priceUnitName({ kind, per })}, by the ${step} (UTC)`
  const chart = priceChart(history, title)
  const other = step === 'day' ? 'hour' : 'day'
  const change = `<a href="${linkOf({ kind, per, region }, other)}">by the ${other}</a>`
  if (chart === undefined)
    return `<h2>${escapeHtml(title)}</h2>\n<p>No span that is over has a price: nothing was offered, or too little was traded. ${change}</p>`
  const key =
    '<div class="key"><span><i class="of-price"></i>paid</span> <span><i class="of-band"></i>holds the price with 90 % probability</span> <span><i class="of-asked"></i>lowest ask</span></div>'
  return `<h2>${escapeHtml(title)}</h2>\n<p>A gap: too few traded to say. ${change}</p>\n<div class="scroll">${chart}</div>\n${key}`
}

const percent = (share: number): string => `${Math.round(share * 100)} %`

const method = (): string => {
  const { leastProviders, leastTenants, leastPairs, leastOthers } = indexRules
  const { pairShare, participantShare, deviations, leastFactor, confidence, priceDigits } = indexRules
  const steps = [
    'Each receipt is a trade: an amount that a tenant paid a provider under a lease, which says what kind of slot it sold and where. What was refunded, and what was free, is none.',
    'A slot of several GPUs counts by the GPU, one without by the core. Work that is sold by the task or by the operator is kept apart from hours, since the two do not compare.',
    `Trades of one tenant at one provider are one pair with one price. No pair has more than ${percent(pairShare)} of the weight, no provider and no tenant more than ${percent(participantShare)}: beyond that volume counts for nothing.`,
    `Pairs whose price is further from the weighted median than ${deviations} scaled median deviations, and by more than a factor of ${leastFactor}, are left out.`,
    `The price is the weighted mean of the rest. Its interval holds it with ${percent(confidence)} probability, as deals of one provider are alike and those of one tenant are (two-way clustered errors, Student’s t).`,
    `Nothing is published of fewer than ${leastProviders} providers, ${leastTenants} tenants and ${leastPairs} pairs, ${leastOthers} of which any one participant has no part in. Prices are rounded to ${priceDigits} digits.`,
  ]
  return `<h2 id="method">The method</h2>\n<ol>\n${steps.map((step) => `<li>${step}</li>`).join('\n')}\n</ol>\n<p>In full, with the formulas: docs/spec/price-index.md of the program. Whoever runs the market can work every price out again from receipts: muster price audit.</p>`
}

/** The series a page without a query shows: the first with a price, else the first there is. */
export const firstSeries = ({ prices }: PriceIndex): PriceHistoryQuery | undefined => {
  const first = prices.find(({ figure }) => figure !== null) ?? prices[0]
  if (first === undefined) return undefined
  const { kind, per, region } = first
  return { kind, per, step: 'day', ...(region === null ? {} : { region }) }
}

/** The public index and one history as a page without scripts. */
export const pricesPage = (index: PriceIndex, history: PriceHistory | undefined): string => {
  const { leastProviders, leastTenants, leastPairs, pairShare } = indexRules
  const how =
    `What was paid, from receipts, between ${minute(index.from)} and ${minute(index.to)}: the mean weighted by volume, without outliers, ` +
    `no pair of a provider and a tenant above ${pairShare * 100} % of the weight. A price is published where at least ${leastProviders} providers, ${leastTenants} tenants and ` +
    `${leastPairs} pairs of them traded; it lies between the two bounds with 90 % probability. Lowest asks are what providers say, and count for nothing.`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Prices</title>
<style>${style}</style>
</head>
<body>
<h1>What machines cost</h1>
<p>${how} <a href="#method">The method</a> · <a href="/v1/prices">as JSON</a></p>
${table(index, history)}
${history === undefined ? '' : section(history)}
${method()}
</body>
</html>
`
}
