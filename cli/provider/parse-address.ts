import { addressSchema } from '@muster/protocol'
import { MusterError, type Address } from '@muster/sdk'

/** Throws `request_invalid`. */
export const parseAddress = (text: string): Address => {
  const parsed = addressSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw new MusterError({
    code: 'request_invalid',
    message: 'This is not the address of a provider: expected 0x and 40 hexadecimal digits.',
    facts: { found: text.slice(0, 64) },
  })
}
