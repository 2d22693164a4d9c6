import {
  checkLeaseAward,
  createVerifier,
  loadSecp256k1,
  verifyTranscript,
  type Address,
  type SignatureDomain,
  type SignedLease,
  type TranscriptBundle,
  type TranscriptCheck,
  type Verifier,
} from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { readContext } from '../context/read-context.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { shorten } from '../format/format-record.ts'
import { parseAddress } from '../provider/parse-address.ts'
import { renderTable } from '../terminal/render-table.ts'
import { printable } from '../terminal/text-width.ts'
import { readTranscript } from './read-transcript.ts'

/** The market that is trusted: the flag's, else that of the context file, unless MUSTER_URL names another. */
const trustedMarket = async (session: Session, given: string | undefined): Promise<Address | undefined> => {
  if (given !== undefined) return parseAddress(given.toLowerCase())
  const found = await readContext(session.env, session.directory).catch(() => undefined)
  const url = session.env['MUSTER_URL'] ?? ''
  return url === '' || url === found?.context.url ? found?.context.market : undefined
}

const marketCheck = ({ transcript }: TranscriptBundle, trusted: Address | undefined): TranscriptCheck[] =>
  trusted === undefined
    ? []
    : [
        {
          name: 'the market is the one expected',
          holds: transcript.record.market === trusted,
          found:
            transcript.record.market === trusted ? trusted : `expected ${trusted}, found ${transcript.record.market}`,
        },
      ]

const awarded = 'the lease is what the rule gives its bid'

const leaseChecks = (
  verifier: Verifier,
  domain: SignatureDomain,
  { record }: TranscriptBundle['transcript'],
  lease: SignedLease,
): TranscriptCheck[] => {
  const isSigned = verifier.signerOf(domain, lease) === domain.market
  const found = isSigned ? lease.record.id : 'the signature is not by this market'
  return [{ name: 'the market signed the lease', holds: isSigned, found }, checkLeaseAward(record, lease.record)]
}

const sayVerdict = (
  session: Session,
  { transcript: { record } }: TranscriptBundle,
  checks: readonly TranscriptCheck[],
) => {
  const { style } = session
  if (checks.every(({ holds }) => holds)) {
    const { award, auction } = record.order.record
    return `${style.green('✓')} The award followed the rule: ${award}, ${auction?.pricing ?? ''}; ${record.award.winners.length} of ${record.bids.length} bids won.\n`
  }
  const broken = checks.find(({ name }) => name === 'the award follows the rule')
  return broken?.holds === false
    ? `${style.red('✗')} The award did not follow the rule: ${printable(broken.found)}.\n`
    : checks.every(({ name, holds }) => holds || name === awarded)
      ? `${style.red('✗')} The award followed the rule, and the lease is another.\n`
      : `${style.red('✗')} This transcript cannot be relied on.\n`
}

/** `muster auction verify`: runs the rule again, offline where a file is given. Exits with 1 unless the award followed it. */
export const verifyAuction = async (
  session: Session,
  given: string,
  options: { readonly marketAddress?: string },
): Promise<number> => {
  const { bundle, lease } = await readTranscript(session, given)
  const trusted = await trustedMarket(session, options.marketAddress)
  const { chainId, transcript } = bundle
  const verifier = createVerifier(await loadSecp256k1())
  const domain = { chainId, market: transcript.record.market }
  const checks = [
    ...marketCheck(bundle, trusted),
    ...verifyTranscript(verifier, domain, transcript),
    ...(lease === null ? [] : leaseChecks(verifier, domain, transcript, lease)),
  ]
  const isRight = checks.every(({ holds }) => holds)
  const { style, terminal } = session
  session.print({ ok: isRight, auction: transcript.record.auction, checks }, () => {
    const rows = checks.map(({ name, holds, found }) => [
      holds ? style.green('✓') : style.red('✗'),
      name,
      printable(holds ? found.replace(/0x[0-9a-f]{20,}/g, (hex) => shorten(hex)) : found),
    ])
    const table = renderTable(
      [{ title: '' }, { title: 'check' }, { title: 'found', isFlexible: true, wraps: true }],
      rows,
      {
        style,
        width: terminal.stdout.columns,
        indent: '  ',
      },
    )
    const unknown =
      trusted === undefined
        ? `Its market is ${transcript.record.market}; say --market-address to hold it against the one you trust.\n`
        : ''
    return `${style.bold(transcript.record.auction)}\n\n${table}\n${unknown}${sayVerdict(session, bundle, checks)}`
  })
  return isRight ? exitCodes.ok : exitCodes.failed
}
