import { priceHistoryRoute } from '@muster/protocol'
import { parseWith } from '../http/parse-with.ts'
import type { PriceDesk } from './price-desk.ts'
import { firstSeries, pricesPage } from './prices-page.ts'

/** The page of prices; a query, as of the history's route, says which are drawn. Rejects `request_invalid`. */
export const showPrices =
  (desk: PriceDesk) =>
  async (query: Readonly<Record<string, string>>): Promise<string> => {
    const index = await desk.index()
    const isAsked = Object.keys(query).length > 0
    const series = isAsked ? parseWith(priceHistoryRoute.query, query, 'query') : firstSeries(index)
    return pricesPage(index, series === undefined ? undefined : await desk.history(series))
  }
