import { formatUsd, type AccountNotice } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatAge } from '../format/format-time.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import { sayNotice, sayRunway, sayStanding } from './say-money.ts'

const shownNotices = 5

const renderNotices = (session: Session, notices: readonly AccountNotice[]): string => {
  const { style } = session
  const facts = notices.map((notice) => [formatAge(notice.at, session.now()), sayNotice(notice)] as const)
  return notices.length === 0
    ? ''
    : `\n${style.bold('What you were told')}\n${renderFacts(facts, { style, indent: '  ' })}`
}

/** `muster account show`: whose key this is, and its money. */
export const showAccount = async (session: Session): Promise<number> => {
  const muster = await session.connect()
  const { signal, style } = session
  const account = await muster.account({ signal })
  const events = await muster.accountEvents({ limit: 1_000 }, { signal })
  session.print({ ...account, events }, () => {
    const { balance, escrow, burn } = account
    const facts = renderFacts(
      [
        ['account', style.bold(account.tenant)],
        ['market', muster.url],
        [
          'key',
          account.address === null
            ? 'the market signs for you'
            : `${account.address} (kept by ${account.custody === 'tenant' ? 'you' : 'the market'})`,
        ],
        ['balance', formatUsd(balance)],
        ['in escrow', formatUsd(escrow)],
        ['spending', burn === 0n ? 'nothing now' : `${formatUsd(burn)} an hour`],
        ['lasts', sayRunway(account.runwayMs)],
        ...(account.denied === null ? [] : [['denied', style.red(account.denied.reason)] as const]),
      ],
      { style },
    )
    const warning = sayStanding(account, session.now())
    const paint = account.standing === 'low' ? style.yellow : style.red
    return `${facts}${warning === '' ? '' : `\n${paint('!')} ${warning}\n`}${renderNotices(session, events.slice(-shownNotices))}`
  })
  return exitCodes.ok
}
