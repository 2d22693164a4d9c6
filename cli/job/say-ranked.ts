import type { AskedMarket } from '@muster/sdk'
import type { Session } from '../command/session.ts'

/** A line for each market: the one that the job goes to first, then what the others said. */
export const sayRanked = (ranked: readonly AskedMarket[], { style }: Session): string =>
  ranked
    .map(({ market, problem, why }, index) => {
      const mark = problem !== null ? style.yellow('✗') : index === 0 ? style.green('●') : style.dim('○')
      return `  ${mark} ${market}  ${style.dim(why)}\n`
    })
    .join('')
