import { readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  attestationSchema,
  durationSchema,
  fromHex,
  hexSchema,
  nobleSecp256k1,
  createSigner,
  signedAttestationSchema,
  signRecord,
  toJson,
  type Signer,
  type SignedAttestation,
} from '@muster/protocol'
import { explainIssues, MusterError, sayIssues } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { parseAddress } from '../provider/parse-address.ts'

export interface AttestOptions {
  readonly attribute: readonly string[]
  readonly lasts: string
  readonly out?: string
}

/** What agents read of one file. */
const mostInFile = 64
const longestMs = 2 * 366 * 86_400_000

const wrong = (message: string, expected: string, found: string): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { expected, found: found.slice(0, 120) } })

const readSigner = async (session: Session, file: string | undefined): Promise<Signer> => {
  if (file === undefined)
    throw wrong('Name the file of the auditor’s key with --key.', '0x and 64 hexadecimal digits in a file', 'nothing')
  const text = await readFile(path.resolve(session.directory, file), 'utf8')
  const key = hexSchema(32).safeParse(text.trim())
  // What is in the file is not shown: it may be a secret of another kind.
  if (!key.success) throw wrong('This file does not hold a key.', '0x and 64 hexadecimal digits', file)
  return createSigner(nobleSecp256k1, fromHex(key.data))
}

const attributesOf = (pairs: readonly string[]): Record<string, string> => {
  const attributes: [string, string][] = pairs.map((pair) => {
    const at = pair.indexOf('=')
    if (at <= 0) throw wrong('This is not an attribute.', 'a name and a value such as tier=datacenter', pair)
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  const names = attributes.map(([name]) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw wrong('An attribute has one value.', 'each name once', twice)
  if (names.length === 0) throw wrong('Say which attributes you stand for.', '--attribute tier=datacenter', 'nothing')
  return Object.fromEntries(attributes)
}

const lifeOf = (text: string): number => {
  const parsed = durationSchema.safeParse(text)
  if (parsed.success && parsed.data > 0 && parsed.data <= longestMs) return parsed.data
  throw wrong('This is not how long an attestation holds.', 'a time up to 732d, such as 90d', text)
}

const readFileOf = async (file: string): Promise<readonly SignedAttestation[]> => {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '[]'
    throw error
  })
  try {
    return signedAttestationSchema.array().parse(JSON.parse(text))
  } catch (cause) {
    throw new MusterError({
      code: 'request_invalid',
      message: 'This file holds something else than attestations; it is left as it is.',
      facts: { file },
      cause,
    })
  }
}

/** Beside what others signed; in place of what the same auditor signed of the same provider for the same market. */
const addTo = async (file: string, signed: SignedAttestation): Promise<number> => {
  const isSame = ({ record: { auditor, provider, market } }: SignedAttestation): boolean =>
    auditor === signed.record.auditor && provider === signed.record.provider && market === signed.record.market
  const all = [...(await readFileOf(file)).filter((each) => !isSame(each)), signed]
  if (all.length > mostInFile) throw wrong('This file is full.', `at most ${mostInFile} attestations`, `${all.length}`)
  const unfinished = `${file}.unfinished`
  await writeFile(unfinished, `${toJson(all, 2)}\n`)
  await rename(unfinished, file)
  return all.length
}

/** `muster offer attest`: an auditor signs what it found out about a provider. */
export const attestOffer = async (
  session: Session,
  given: string,
  keyFile: string | undefined,
  { attribute, lasts, out }: AttestOptions,
): Promise<number> => {
  const provider = parseAddress(given)
  const attributes = attributesOf(attribute)
  const life = lifeOf(lasts)
  const signer = await readSigner(session, keyFile)
  const muster = await session.connect()
  const { address: market, chainId } = await muster.market({ signal: session.signal })
  const { market: expected } = await session.context()
  if (expected !== undefined && expected !== market)
    throw wrong('This market is not the one you named: its key differs.', expected, market)
  const issuedAt = session.now()
  const expiresAt = issuedAt + life
  const record = { kind: 'attestation', market, auditor: signer.address, provider, attributes, issuedAt, expiresAt }
  const parsed = attestationSchema.safeParse(record)
  if (!parsed.success) {
    const issues = explainIssues(parsed.error, record, attestationSchema)
    throw new MusterError({ code: 'request_invalid', message: sayIssues('The attestation', issues), facts: { issues } })
  }
  const signed = signRecord(signer, { chainId, market }, parsed.data)
  const file = out === undefined ? undefined : path.resolve(session.directory, out)
  const count = file === undefined ? 0 : await addTo(file, signed)
  const say = (): string => {
    if (file === undefined) return `${toJson([signed], 2)}\n`
    const what = Object.entries(attributes).map(([name, value]) => `${name}=${value}`)
    return (
      `${session.style.green('✓')} ${signer.address} stands for ${what.join(', ')} of ${provider} until ${new Date(expiresAt).toISOString().slice(0, 10)}.\n` +
      `  ${out} holds ${count}; the provider starts its agent with --attestation-file ${out}\n`
    )
  }
  session.print(file === undefined ? [signed] : signed, say, file === undefined ? 'as-is' : 'wrapped')
  return exitCodes.ok
}
