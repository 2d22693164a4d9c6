import { createHash } from 'node:crypto'
import { hourMs, type PriceHistory, type PriceIndex } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { problemOf, rehearse } from '../rehearsal/rehearse.ts'
import { priceChart } from './price-chart.ts'
import { firstSeries, pageHeaders, pricesPage } from './prices-page.ts'

const day = 24 * hourMs
const start = Date.UTC(2026, 9, 1)
const figure = (dollars: number) => ({
  price: dollars * 1e9,
  low: dollars * 0.9e9,
  high: dollars * 1.1e9,
  volume: 1_200,
  leases: 40,
  providers: 9,
  tenants: 14,
  outliers: 1,
})
const history = (prices: readonly (number | null)[], asked: number | null = null): PriceHistory => ({
  kind: 'nvidia-h100',
  per: 'hour',
  region: 'eu-west',
  step: 'day',
  computedAt: start,
  points: prices.map((price, index) => ({
    at: start + index * day,
    figure: price === null ? null : figure(price),
    asked: asked === null ? null : asked * 1e9,
  })),
})
const index: PriceIndex = {
  from: start,
  to: start + 7 * day,
  computedAt: start,
  prices: [
    { kind: 'cpu', region: null, per: 'operator', figure: null, asked: 119 },
    { kind: 'nvidia-h100', region: 'eu-west', per: 'hour', figure: figure(2), asked: 1.9e9 },
  ],
}
const count = (text: string | undefined, what: RegExp): number => text?.match(what)?.length ?? 0

describe('the chart', () => {
  test('has a line and a band for each run of prices, and nothing in the gaps', () => {
    const svg = priceChart(history([2, 2.1, null, 2.2, null, null, 2.3, 2.2, 2.1], 1.9), 'prices')
    expect(count(svg, /class="price"/g)).toBe(2)
    expect(count(svg, /<polygon class="band"/g)).toBe(2)
    expect(count(svg, /<rect class="band"/g)).toBe(1)
    expect(count(svg, /class="dot"/g)).toBe(6)
    expect(count(svg, /class="asked"/g)).toBe(1)
    expect(svg).toContain('$ / GPU-hour')
    expect(svg).toContain('2026-10-01 UTC: $2, between $1.8 and $2.2; 9 providers, 14 tenants')
    expect(svg).not.toContain('NaN')
  })

  test('draws inside of its frame whatever the prices are', () => {
    for (const prices of [
      [2],
      [0.000000001, 5_000],
      [2, 2, 2],
      Array.from({ length: 1_000 }, (_, at) => 1 + (at % 7)),
    ]) {
      const svg = priceChart(history(prices), 'prices') ?? ''
      expect(svg).not.toMatch(/NaN|Infinity/)
      for (const [, cx, cy] of svg.matchAll(/cx="([\d.-]+)" cy="([\d.-]+)"/g)) {
        expect(Number(cx)).toBeGreaterThanOrEqual(72)
        expect(Number(cx)).toBeLessThanOrEqual(880)
        expect(Number(cy)).toBeGreaterThanOrEqual(0)
        expect(Number(cy)).toBeLessThanOrEqual(360)
      }
    }
  })

  test('of nothing is none', () => {
    expect(priceChart(history([null, null]), 'prices')).toBeUndefined()
    expect(priceChart(history([]), 'prices')).toBeUndefined()
  })
})

describe('the page', () => {
  test('runs and loads nothing: its one style is the one its policy allows', () => {
    const page = pricesPage(index, history([2, 2.1]))
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(page) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    expect(pageHeaders['content-security-policy']).toContain(`style-src 'sha256-${hash}'`)
    expect(pageHeaders['content-security-policy']).toContain("default-src 'none'")
    expect(page).not.toMatch(/<script|<link|<img| style=| on\w+=|https?:/)
  })

  test('says what was paid, in the units it is sold by, and what is not known', () => {
    const page = pricesPage(index, history([2, 2.1]))
    expect(page).toMatch(/aria-current="true".*nvidia-h100.*eu-west.*\$2\.00.*\$1\.80 … \$2\.20.*GPU-hour.*1200/)
    expect(page).toMatch(/cpu.*all.*too few traded.*million operators.*\$0\.119/)
    expect(page).toContain('href="/prices?kind=nvidia-h100&amp;per=hour&amp;region=eu-west&amp;step=hour"')
    expect(page).toContain('id="method"')
    expect(pricesPage({ ...index, prices: [] }, undefined)).toContain('Nothing is offered here now')
    expect(pricesPage(index, history([null]))).toContain('too little was traded')
  })

  test('shows what strangers wrote as text', () => {
    const [, price] = index.prices
    if (price === undefined) throw new Error('a price')
    const page = pricesPage({ ...index, prices: [{ ...price, region: '<b onclick="x">' }] }, undefined)
    expect(page).not.toContain('<b ')
    expect(page).toContain('&lt;b onclick=&quot;x&quot;&gt;')
  })

  test('begins with the first series that has a price', () => {
    expect(firstSeries(index)).toEqual({ kind: 'nvidia-h100', per: 'hour', region: 'eu-west', step: 'day' })
    expect(firstSeries({ ...index, prices: index.prices.slice(0, 1) })).toEqual({
      kind: 'cpu',
      per: 'operator',
      step: 'day',
    })
    expect(firstSeries({ ...index, prices: [] })).toBeUndefined()
  })

  test('is for everybody, with or without a query, and refuses one that is wrong', async () => {
    const stage = await rehearse()
    for (const path of ['/prices', '/prices?kind=nvidia-h100&per=hour&step=hour']) {
      const response = await stage.app().request(path)
      expect(response.status).toBe(200)
      for (const [name, value] of Object.entries(pageHeaders)) expect(response.headers.get(name)).toBe(value)
      expect(await response.text()).toContain('What machines cost')
    }
    const wrong = await stage.app().request('/prices?kind=%3Cscript%3E')
    expect(await problemOf(wrong)).toMatchObject({ status: 400, code: 'request_invalid' })
  })
})
