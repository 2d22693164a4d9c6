import { readFile } from 'node:fs/promises'
import path from 'node:path'
import {
  explainIssues,
  isId,
  MusterError,
  sayIssues,
  signedLeaseSchema,
  transcriptBundleSchema,
  type SignedLease,
  type TranscriptBundle,
} from '@muster/sdk'
import type { Session } from '../command/session.ts'

export interface ReadTranscript {
  readonly bundle: TranscriptBundle
  /** A lease that it is to be held against: that of a proof. */
  readonly lease: SignedLease | null
}

/** What of a file is a transcript: one as `muster auction show --out` writes it, or a proof that an agent kept. */
const pick = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !('transcript' in value)) return value
  return { chainId: Reflect.get(value, 'chainId') as unknown, transcript: value.transcript }
}

const refuse = (file: string, message: string): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { file }, fault: 'tenant' })

const parse = (file: string, text: string): ReadTranscript => {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    throw refuse(file, `The file ${file} is not JSON.`)
  }
  const value = pick(given)
  const parsed = transcriptBundleSchema.safeParse(value)
  if (parsed.success) return { bundle: parsed.data, lease: leaseIn(file, given) }
  throw refuse(file, sayIssues(`The transcript ${file}`, explainIssues(parsed.error, value).slice(0, 5)))
}

/** The lease of a proof that an agent kept, where it is of one. */
const leaseIn = (file: string, value: unknown): SignedLease | null => {
  const lease = typeof value === 'object' && value !== null ? (Reflect.get(value, 'lease') as unknown) : null
  if (lease === null || lease === undefined) return null
  const parsed = signedLeaseSchema.safeParse(lease)
  if (parsed.success) return parsed.data
  throw refuse(file, sayIssues(`The lease in ${file}`, explainIssues(parsed.error, lease).slice(0, 5)))
}

/** The transcript of an auction: from the market by its id, else from a file. Throws `not_found`, `request_invalid`. */
export const readTranscript = async (session: Session, given: string): Promise<ReadTranscript> => {
  if (isId('auction', given)) {
    const bundle = await (await session.connect()).getAuction(given, { signal: session.signal })
    return { bundle, lease: null }
  }
  return parse(given, await readFile(path.resolve(session.directory, given), 'utf8'))
}
