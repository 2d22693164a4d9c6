import { renderFacts, renderTable, type Style } from '@muster/cli'
import { formatUsd } from '@muster/protocol'
import type { Devnet } from './start-devnet.ts'

/** The agents of a network, one a line. */
export const showNetwork = ({ url, agents }: Devnet, style: Style): string => {
  const rows = agents.map(({ plan: { name, slots, region, country, prices }, provider, program }) => [
    name,
    String(slots),
    `${region} (${country})`,
    prices.graph === undefined ? '–' : `${formatUsd(prices.graph.nanoUsd)} per ${prices.graph.per}`,
    `${provider.slice(0, 10)}…`,
    String(program.pid),
  ])
  const columns = [
    { title: 'agent' },
    { title: 'slots', align: 'right' as const },
    { title: 'region' },
    { title: 'price' },
    { title: 'provider' },
    { title: 'pid', align: 'right' as const },
  ]
  const title = style.bold(`A market and ${agents.length} agents run on this machine.`)
  return `\n${title}  ${url}\n\n${renderTable(columns, rows, { style, indent: '  ' })}`
}

/** Where to look while the network stays up. */
export const showUrls = ({ url }: Devnet, style: Style): string => {
  const facts: [string, string][] = [
    ['API', `${url}/v1/market`],
    ['OpenAPI', `${url}/v1/openapi.json`],
    ['offers', `${url}/v1/offers`],
    ['prices', `${url}/prices`],
    ['metrics', `${url}/metrics`],
    ['jobs', 'npm run -s muster -- job list'],
    ['a job of your own', 'npm run -s muster -- job submit examples/first-job/squares.yaml --watch'],
    ['OCR of scanned pages', 'node run.mjs examples/ocr/main.ts'],
  ]
  return `\n${renderFacts(facts, { style })}\nThe network stays up. Ctrl-C stops it.\n`
}
