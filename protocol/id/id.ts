import { z } from 'zod'
import { sha256Bytes } from '../digest/sha256.ts'
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
  auction: 'auc',
  receipt: 'rcp',
  entry: 'ent',
  key: 'key',
  action: 'act',
  'standing-order': 'sto',
} as const

export type IdNoun = keyof typeof idPrefixes
export type Id<Noun extends IdNoun> = string & { readonly __id: Noun }
export type TenantId = Id<'tenant'>
export type JobId = Id<'job'>
export type OfferId = Id<'offer'>
export type OrderId = Id<'order'>
export type ReservationId = Id<'reservation'>
export type LeaseId = Id<'lease'>
export type AuctionId = Id<'auction'>
export type ReceiptId = Id<'receipt'>
export type EntryId = Id<'entry'>
export type KeyId = Id<'key'>
export type StandingOrderId = Id<'standing-order'>
/** Of an entry of the admin log. */
export type ActionId = Id<'action'>

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

const timeDigits = 10
const chanceDigits = 16

const writeBody = (at: number, chance: Uint8Array): string => {
  let time = at
  let text = ''
  for (let i = 0; i < timeDigits; i++) {
    text = crockford.charAt(time % 32) + text
    time = Math.floor(time / 32)
  }
  for (const byte of chance) text += crockford.charAt(byte & 31)
  return text
}

const bodyOf = (world: World): string => writeBody(world.now(), world.random(chanceDigits))

/** The one id that follows from a time (wall-clock ms) and a seed: whoever works it out again gets the same. */
export const derivedId = <Noun extends IdNoun>(noun: Noun, at: number, seed: string): Id<Noun> =>
  `${idPrefixes[noun]}_${writeBody(at, sha256Bytes(new TextEncoder().encode(seed)).subarray(0, chanceDigits))}` as Id<Noun>

/** A new id: 48 bits of time and 80 of chance in Crockford base 32 (a ULID), so that ids sort by age. */
export const newId = <Noun extends IdNoun>(world: World, noun: Noun): Id<Noun> =>
  `${idPrefixes[noun]}_${bodyOf(world)}` as Id<Noun>

/** What no id of this noun that is made at this time (wall-clock ms) or later sorts before. */
export const lowestId = <Noun extends IdNoun>(noun: Noun, at: number): Id<Noun> =>
  `${idPrefixes[noun]}_${writeBody(at, new Uint8Array(chanceDigits))}` as Id<Noun>

/** Digits that are counted up in ids made together: room for 2^30 of them. */
const countedDigits = 6

/**
 * Ids that follow each other in order, for what is made together: a range of two ids names them all. The first is by
 * time and chance, as by `newId`; the others count up from it.
 */
export const newIds = <Noun extends IdNoun>(world: World, noun: Noun, count: number): Id<Noun>[] => {
  const body = bodyOf(world)
  const head = `${idPrefixes[noun]}_${body.slice(0, -countedDigits)}`
  const radix = 2 ** (5 * countedDigits)
  let first = 0
  for (const digit of body.slice(-countedDigits)) first = first * 32 + crockford.indexOf(digit)
  // The highest numbers are left out, so that counting never carries into the digits before.
  first = Math.min(first, radix - count)
  return Array.from({ length: count }, (_, index) => {
    let value = first + index
    let tail = ''
    for (let i = 0; i < countedDigits; i++) {
      tail = crockford.charAt(value % 32) + tail
      value = Math.floor(value / 32)
    }
    return `${head}${tail}` as Id<Noun>
  })
}
