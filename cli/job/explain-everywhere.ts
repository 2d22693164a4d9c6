import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { sayRanked } from './say-ranked.ts'
import { loadJobFile } from './submit-job.ts'

/** What a job file would get at each market in use, before it is submitted. */
export const explainFileEverywhere = async (session: Session, file: string): Promise<number> => {
  const { spec } = await loadJobFile(session, file)
  const ranked = await (await session.connectAll()).compare(spec, { signal: session.signal })
  const fits = ranked.some(({ problem }) => problem === null)
  const document = ranked.map(({ market, slots, cost, problem, why }) => ({
    market,
    slots,
    costNanoUsd: cost,
    why,
    code: problem?.code ?? null,
  }))
  session.print(document, () => {
    const { style } = session
    const head = fits
      ? `${style.green('✓')} It would go to ${ranked[0]?.market}, by the rule ${spec.award}:\n\n`
      : `${style.red('✗')} No market has what it asks for now:\n\n`
    return head + sayRanked(ranked, session)
  })
  return fits ? exitCodes.ok : exitCodes.nothingFits
}
