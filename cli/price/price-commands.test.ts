import { toJson, type PriceHistory, type PriceIndex } from '@muster/protocol'
import { fakeApiKey, startFakeMarket, type FakeMarket } from '@muster/sdk/fake'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'
import { styleFor } from '../terminal/style.ts'
import { textWidth } from '../terminal/text-width.ts'
import { renderChart } from './render-chart.ts'

let market: FakeMarket
let shell: TestShell
beforeEach(async () => {
  market = await startFakeMarket()
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
})
afterEach(async () => {
  await market.close()
  await shell.close()
})

const day = 86_400_000
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
const points = (prices: readonly (number | null)[], asked: number | null = null): PriceHistory['points'] =>
  prices.map((price, index) => ({
    at: start + index * day,
    figure: price === null ? null : figure(price),
    asked: asked === null ? null : asked * 1e9,
  }))
const history = (of: PriceHistory['points']): PriceHistory => ({
  kind: 'nvidia-h100',
  per: 'hour',
  region: null,
  step: 'day',
  computedAt: start,
  points: of,
})
const answer = (route: 'priceIndex' | 'priceHistory' | 'auditPrices', body: unknown) =>
  market.fail(route, { type: 'answer', status: 200, body: toJson(body) })

describe('price index', () => {
  const index: PriceIndex = {
    from: start,
    to: start + 7 * day,
    computedAt: start + 7 * day,
    prices: [
      { kind: 'nvidia-h100', region: null, per: 'hour', figure: figure(2.2), asked: 1.9e9 },
      { kind: 'cpu', region: 'eu-west', per: 'operator', figure: null, asked: 119 },
    ],
  }

  test('says what was paid with its interval, in units that people read', async () => {
    answer('priceIndex', index)
    const { status, out } = await shell.run(['price', 'index'])
    expect(status).toBe(0)
    expect(out).toMatch(/nvidia-h100 +all +\$2\.20 +\$1\.98 … \$2\.42 +GPU-hour +1200 +9 +14 +\$1\.90/)
    expect(out).toMatch(/cpu +eu-west +– +– +million operators +– +– +– +\$0\.119/)
    expect(out).toContain('docs/spec/price-index.md')
  })

  test('is one document with --json', async () => {
    answer('priceIndex', index)
    expect((await shell.run(['price', 'index', '--json'])).json()).toEqual(index)
  })

  test('of a market without trade says so', async () => {
    answer('priceIndex', { ...index, prices: [] })
    expect((await shell.run(['price', 'index'])).out).toContain('Too little was traded')
  })
})

describe('price history', () => {
  test('draws prices, their intervals and the lowest asks, and leaves gaps', async () => {
    answer('priceHistory', history(points([2, 2.1, null, null, 2.3], 1.9)))
    const { status, out } = await shell.run(['price', 'history', 'nvidia-h100', '--per', 'hour'])
    expect(status).toBe(0)
    expect(out).toContain('nvidia-h100, all regions: dollars for a GPU-hour, by the day (UTC)')
    expect(out.split('\n').filter((line) => line.includes('│') || line.includes('┤'))).toHaveLength(12)
    const plot = out.slice(0, out.indexOf('└'))
    expect(plot.match(/●/g)).toHaveLength(3)
    expect(plot.match(/╌/g)).toHaveLength(5)
    expect(plot).toContain('░')
    expect(out).toMatch(/10-01.*10-0\d/)
    expect(out).toContain('Last paid $2.30 ($2.07 … $2.53); a price in 3 of 5 days.')
  })

  test('is by the unit that there is a price for, where none is named', async () => {
    const row = { kind: 'cpu', region: null, asked: 1 }
    const prices = [
      { ...row, per: 'hour', figure: null },
      { ...row, per: 'task', figure: figure(1) },
    ]
    answer('priceIndex', { from: start, to: start, computedAt: start, prices })
    answer('priceHistory', { ...history(points([2])), kind: 'cpu', per: 'task' })
    expect((await shell.run(['price', 'history', 'cpu'])).out).toContain('dollars for a task')
    expect(market.calls).toEqual(['priceIndex', 'priceHistory'])
  })

  test('without a price draws what was asked; without that, says that there is nothing', async () => {
    answer('priceHistory', history(points([null, null], 1.9)))
    expect((await shell.run(['price', 'history', 'cpu', '--per', 'hour'])).out).toContain('Too few traded')
    answer('priceHistory', history(points([null, null])))
    const { out } = await shell.run(['price', 'history', 'cpu', '--per', 'hour'])
    expect(out).toContain('nothing was offered, or too little was traded')
    expect(out).not.toContain('└')
  })

  test.each([
    [['price', 'history']],
    [['price', 'history', 'cpu', '--per', 'year']],
    [['price', 'history', 'cpu', '--step', 'minute']],
    [['price', 'history', 'cpu', '--spans', '0']],
  ])('%j is not understood', async (args) => {
    expect((await shell.run(args)).status).toBe(2)
  })
})

test('price audit names the hours that are kept otherwise, and fails', async () => {
  answer('auditPrices', { hours: 168, trades: 12, wrong: [] })
  expect(await shell.run(['price', 'audit'])).toMatchObject({ status: 0 })
  answer('auditPrices', { hours: 168, trades: 12, wrong: [start] })
  const { status, out } = await shell.run(['price', 'audit'])
  expect(status).toBe(1)
  expect(out).toContain('2026-10-01T00:00:00.000Z')
})

describe('the chart', () => {
  const style = styleFor({ hasColor: false })

  test.each([20, 40, 80, 200])('fits into %d cells, and draws the newest spans', (width) => {
    const many = points(Array.from({ length: 300 }, (_, index) => 1 + index / 100))
    const chart = renderChart(history(many), { style, width })
    for (const line of chart.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(width + 4)
    expect(chart).toContain('●')
    expect(chart).toContain('$4')
  })

  test('of one price has room around it', () => {
    const chart = renderChart(history(points([2])), { style, width: 80 })
    expect(chart.match(/●/g)).toHaveLength(1)
  })

  test('of nothing is nothing', () => {
    expect(renderChart(history(points([null])), { style, width: 80 })).toBe('')
  })
})
