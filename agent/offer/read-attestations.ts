import { MusterError, signedAttestationSchema, type SignedAttestation } from '@muster/protocol'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'

const fileSchema = z.array(signedAttestationSchema).max(64)

const refuse = (file: string, problem: string, cause?: unknown): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: `The attestation file ${file} cannot be used: ${problem}.`,
    facts: { file, problem },
    cause,
  })

/** Attestations from JSON: a list of them as auditors sign them, for any markets. Throws `request_invalid`. */
export const parseAttestations = (file: string, text: string): readonly SignedAttestation[] => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw refuse(file, 'it is not JSON', cause)
  }
  const parsed = fileSchema.safeParse(json)
  if (parsed.success) return parsed.data
  throw refuse(file, parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
}

/** Throws `request_invalid` where the file is missing or wrong. */
export const readAttestations = async (file: string): Promise<readonly SignedAttestation[]> => {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw refuse(file, 'it cannot be read', cause)
  })
  return parseAttestations(file, text)
}
