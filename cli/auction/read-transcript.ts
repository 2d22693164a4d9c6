import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { explainIssues, isId, MusterError, sayIssues, transcriptBundleSchema, type TranscriptBundle } from '@muster/sdk'
import type { Session } from '../command/session.ts'

/** What of a file is a transcript: one as `muster auction show --out` writes it, or a proof that an agent kept. */
const pick = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !('transcript' in value)) return value
  return { chainId: Reflect.get(value, 'chainId') as unknown, transcript: value.transcript }
}

const refuse = (file: string, message: string): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { file }, fault: 'tenant' })

const parse = (file: string, text: string): TranscriptBundle => {
  let value: unknown
  try {
    value = pick(JSON.parse(text))
  } catch {
    throw refuse(file, `The file ${file} is not JSON.`)
  }
  const parsed = transcriptBundleSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw refuse(file, sayIssues(`The transcript ${file}`, explainIssues(parsed.error, value).slice(0, 5)))
}

/** The transcript of an auction: from the market by its id, else from a file. Throws `not_found`, `request_invalid`. */
export const readTranscript = async (session: Session, given: string): Promise<TranscriptBundle> => {
  if (isId('auction', given)) return (await session.connect()).getAuction(given, { signal: session.signal })
  return parse(given, await readFile(path.resolve(session.directory, given), 'utf8'))
}
