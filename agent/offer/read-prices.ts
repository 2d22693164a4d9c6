import { MusterError, parseUsd, priceUnits, runtimeKinds, type Price, type RuntimeKind } from '@muster/protocol'
import { z } from 'zod'

const priceSchema = z.strictObject({
  usd: z.union([z.string(), z.number().transform((amount) => amount.toFixed(9))]).transform((text, context) => {
    try {
      const amount = parseUsd(text)
      if (amount >= 0n) return amount
    } catch {
      // said below
    }
    context.addIssue({ code: 'custom', message: 'expected dollars of zero or more, with at most 9 decimals' })
    return z.NEVER
  }),
  per: z.enum(priceUnits),
})

const pricesSchema = z
  .partialRecord(z.enum(runtimeKinds), priceSchema)
  .refine((prices) => Object.keys(prices).length > 0, { error: `expected a price for ${runtimeKinds.join(' or ')}` })

/** What is asked where no price file says otherwise. */
export const defaultPrices: ReadonlyMap<RuntimeKind, Price> = new Map([
  ['graph', { nanoUsd: 12n, per: 'operator' }],
  ['noop', { nanoUsd: 1_000n, per: 'task' }],
])

/** Prices from JSON such as `{"graph": {"usd": "0.00005", "per": "task"}}`: a runtime without a price is not sold. Throws `request_invalid` with every mistake. */
export const parsePrices = (file: string, text: string): ReadonlyMap<RuntimeKind, Price> => {
  const refuse = (problems: readonly string[], cause?: unknown): MusterError =>
    new MusterError({
      code: 'request_invalid',
      message: `The price file ${file} cannot be used: ${problems.join('; ')}.`,
      facts: { file, problems },
      cause,
    })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw refuse(['it is not JSON'], cause)
  }
  const parsed = pricesSchema.safeParse(json)
  if (!parsed.success) throw refuse(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`))
  const prices = new Map<RuntimeKind, Price>()
  for (const kind of runtimeKinds) {
    const price = parsed.data[kind]
    if (price !== undefined) prices.set(kind, { nanoUsd: price.usd, per: price.per })
  }
  return prices
}
