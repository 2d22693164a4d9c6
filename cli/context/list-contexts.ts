import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { renderTable } from '../terminal/render-table.ts'

const columns = [{ title: '' }, { title: 'market' }, { title: 'address' }, { title: 'key' }] as const

/** `muster context list`: keys are never shown. */
export const listContexts = async (session: Session): Promise<number> => {
  const markets = await session.contexts()
  const document = markets.map(({ url, market, tenant, chainId, apiKey }, index) => ({
    url,
    market: market ?? null,
    tenant: tenant ?? null,
    chainId: chainId ?? null,
    hasKey: apiKey !== undefined,
    isFirst: index === 0,
  }))
  session.print(document, () => {
    const { style, terminal } = session
    const rows = document.map(({ url, market, hasKey, isFirst }) => [
      isFirst ? style.green('●') : ' ',
      url,
      market ?? 'what it says',
      hasKey ? 'yes' : style.yellow('none'),
    ])
    const note =
      markets.length === 1
        ? ''
        : style.dim('\nJobs go where they are served best; commands about one market use the first.\n')
    return renderTable(columns, rows, { style, width: terminal.stdout.columns }) + note
  })
  return exitCodes.ok
}
