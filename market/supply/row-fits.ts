import type { CompiledDemand } from './compile-demand.ts'
import { isKindWanted } from './gpu-kind.ts'
import { termColumns, type OfferRows } from './offer-rows.ts'
import { measureCount } from './size-code.ts'

/** Whether the kind of GPU in this row is one that is wanted. */
export const rowIsOfKind = (row: number, { gpus }: CompiledDemand, { terms, term }: OfferRows): boolean =>
  gpus === undefined || isKindWanted(terms.textOf(term(row, termColumns.gpuKind)), gpus)

/** Whether the offer in this row fits the demand; its unit, price, runtimes and kind of GPU aside. */
export const rowFits = (row: number, demand: CompiledDemand, rows: OfferRows): boolean => {
  const measures = rows.measures()
  const { need, regions, countries, execSpecs, rest, sells, asksTerms } = demand
  for (let index = 0, from = row * measureCount; index < measureCount; index++, from++) {
    if ((measures[from] ?? 0) < (need.measures[index] ?? 0)) return false
  }
  const { term } = rows
  if (regions !== undefined && !regions.includes(term(row, termColumns.region))) return false
  if (countries !== undefined && !countries.includes(term(row, termColumns.country))) return false
  if (execSpecs !== undefined && !execSpecs.includes(term(row, termColumns.execSpec))) return false
  if ((asksTerms || rows.hasTerms(row)) && !sells(rows.offer(row).record)) return false
  return rest === undefined || rest(rows.offer(row).record)
}
