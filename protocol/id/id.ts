import { z } from 'zod'
import { branded } from './branded.ts'
import { MusterError } from '../error/muster-error.ts'
import type { World } from '../world/world.ts'

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const bodyPattern = '[0-7][0-9A-HJKMNP-TV-Z]{25}'

/** The nouns that have ids of their own. Tasks and attempts are named after their job: see `task-id.ts`. */
export const idPrefixes = {
  tenant: 'tnt',
  job: 'job',
  offer: 'ofr',
  order: 'ord',
  reservation: 'rsv',
  lease: 'lse',
  receipt: 'rcp',
  entry: 'ent',
  key: 'key',
} as const

export type IdNoun = keyof typeof idPrefixes
export type Id<Noun extends IdNoun> = string & { readonly __id: Noun }
export type TenantId = Id<'tenant'>
export type JobId = Id<'job'>
export type OfferId = Id<'offer'>
export type OrderId = Id<'order'>
export type ReservationId = Id<'reservation'>
export type LeaseId = Id<'lease'>
export type ReceiptId = Id<'receipt'>
export type EntryId = Id<'entry'>
export type KeyId = Id<'key'>

const patterns = Object.fromEntries(
  Object.entries(idPrefixes).map(([noun, prefix]) => [noun, new RegExp(`^${prefix}_${bodyPattern}$`)]),
) as Record<IdNoun, RegExp>

export const isId = <Noun extends IdNoun>(noun: Noun, text: string): text is Id<Noun> => patterns[noun].test(text)

/** The only maker of ids out of text. Throws `request_invalid`. */
export const parseId = <Noun extends IdNoun>(noun: Noun, text: string): Id<Noun> => {
  if (isId(noun, text)) return text
  throw new MusterError({
    code: 'request_invalid',
    message: `This is not the id of a ${noun}: expected ${idPrefixes[noun]}_ and 26 characters.`,
    facts: { expected: `${idPrefixes[noun]}_…`, found: text.slice(0, 64) },
  })
}

export const idSchema = <Noun extends IdNoun>(noun: Noun): z.ZodType<Id<Noun>, string> =>
  branded<Id<Noun>>(z.string().regex(patterns[noun], { error: `expected ${idPrefixes[noun]}_ and 26 characters` }))

/** A new id: 48 bits of time and 80 of chance in Crockford base 32 (a ULID), so that ids sort by age. */
export const newId = <Noun extends IdNoun>(world: World, noun: Noun): Id<Noun> => {
  let time = world.now()
  let text = ''
  for (let i = 0; i < 10; i++) {
    text = crockford.charAt(time % 32) + text
    time = Math.floor(time / 32)
  }
  const chance = world.random(16)
  for (const byte of chance) text += crockford.charAt(byte & 31)
  return `${idPrefixes[noun]}_${text}` as Id<Noun>
}
