import { z } from 'zod'
import { attributesSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema, type Address } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

/** What an auditor found out about a provider. Signed by the auditor; the provider carries it in its offers. */
export const attestationSchema = z.strictObject({
  kind: z.literal('attestation'),
  market: addressSchema,
  auditor: addressSchema,
  provider: addressSchema,
  /** Those of the provider's attributes that the auditor stands for. */
  attributes: attributesSchema,
  issuedAt: timeSchema,
  expiresAt: timeSchema,
})

export type Attestation = z.output<typeof attestationSchema>
export type SignedAttestation = Signed<Attestation>
export const signedAttestationSchema = signedSchema(attestationSchema)

/** Whether the attestation stands for this provider and these attributes at `now`. Its signature is checked where offers come in. */
export const attests = (
  { record }: SignedAttestation,
  provider: Address,
  attributes: Readonly<Record<string, string>>,
  now: number,
): boolean =>
  record.provider === provider &&
  record.issuedAt <= now &&
  record.expiresAt > now &&
  Object.entries(attributes).every(
    ([name, value]) => Object.hasOwn(record.attributes, name) && record.attributes[name] === value,
  )
