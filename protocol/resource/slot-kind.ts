import { z } from 'zod'
import type { Offer } from '../offer/offer.ts'
import { gpuModelOf } from './gpu-model.ts'
import { gpuVendors, nameSchema } from './resources.ts'

/**
 * What a slot is for prices: `cpu` without a GPU, else maker and model of its GPUs, such as `nvidia-h100`; `mixed` where they
 * differ, `unknown` where they are not named.
 */
export const slotKindSchema = z
  .string()
  .regex(new RegExp(`^(cpu|mixed|unknown|(${gpuVendors.join('|')})-[a-z0-9]{1,80})$`), {
    error: 'expected cpu, or maker and model of a GPU such as nvidia-h100',
  })

/** The kind of slot a lease sold and where it stands, as the offer said. */
export const soldSlotSchema = z.strictObject({
  kind: slotKindSchema,
  region: nameSchema,
  country: z.string().regex(/^[A-Z]{2}$/),
})
export type SoldSlot = z.output<typeof soldSlotSchema>

type Sold = Pick<Offer, 'resources' | 'gpus' | 'region' | 'country'>

/** The kind of slot of an offer. `held` are the UUIDs of the GPUs that were reserved; where none is known it is all of the offer's. */
export const slotKindOf = (
  { resources, gpus }: Pick<Sold, 'resources' | 'gpus'>,
  held: readonly string[] = [],
): string => {
  if (resources.gpuCount === 0) return 'cpu'
  const named = gpus.filter(({ uuid }) => held.includes(uuid))
  const kinds = new Set(
    (named.length === 0 ? gpus : named).map(({ vendor, model }) => {
      const word = gpuModelOf(model)
      return word === '' ? 'unknown' : `${vendor}-${word}`
    }),
  )
  const [only = 'unknown'] = kinds
  return kinds.size > 1 ? 'mixed' : only
}

/** What a reservation of these GPUs takes of an offer. */
export const soldSlotOf = (offer: Sold, held: readonly string[]): SoldSlot => ({
  kind: slotKindOf(offer, held),
  region: offer.region,
  country: offer.country,
})
