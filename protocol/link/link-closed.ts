import { MusterError } from '../error/muster-error.ts'
import { linkCloseReasons, type LinkCloseReason } from './link.ts'

const sentences: Record<LinkCloseReason, string> = {
  superseded: 'The link was closed: another agent uses this key, and linked later.',
  shutdown: 'The link was closed: the other side is shutting down.',
  'protocol-error': 'The link was closed: one side sent what the protocol does not allow.',
  silent: 'The link was closed: nothing was heard from the other side.',
  lost: 'The link was lost.',
}

/** What everything under way on a link fails with once the link is gone. */
export const linkClosed = (reason: LinkCloseReason): MusterError =>
  new MusterError({
    code: 'link_closed',
    message: sentences[reason],
    facts: { reason },
    ...(reason === 'superseded' ? { fault: 'provider', retry: 'never' } : {}),
  })

/** The reason written into the debug data of a GOAWAY frame, where it is one. */
export const closeReasonOf = (debugData: Uint8Array | undefined): LinkCloseReason | undefined => {
  const text = new TextDecoder().decode(debugData)
  return linkCloseReasons.find((reason) => reason === text)
}
