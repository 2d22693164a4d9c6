/** What an offer is, in 31 bits: its region, country and exec spec by number, and a few bits of everything else it may be found by. */
const bloomBits = 18
const bloomShift = 13

const bitOf = (token: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < token.length; at++) hash = Math.imul(hash ^ token.charCodeAt(at), 0x01000193)
  return 1 << (((hash ^ (hash >>> 15)) >>> 0) % bloomBits)
}

const bloomOf = (tokens: readonly string[]): number => {
  let bits = 0
  for (const token of tokens) bits |= bitOf(token)
  return bits
}

/** The code of an offer, from the numbers of its terms and its other tokens. */
export const traitCode = (region: number, country: number, execSpec: number, tokens: readonly string[]): number =>
  (region & 31) | ((country & 31) << 5) | ((execSpec & 7) << 10) | (bloomOf(tokens) << bloomShift)

/** What a demand asks of a code: terms as sets of bits, and the bits of the tokens that an offer must have. */
export interface TraitNeed {
  readonly regions: number
  readonly countries: number
  readonly execSpecs: number
  readonly bloom: number
}

/** The bits of some numbers; all of them where any number does. */
const setOf = (numbers: readonly number[] | undefined, mask: number): number => {
  if (numbers === undefined) return -1
  let bits = 0
  for (const number of numbers) if (number !== -1) bits |= 1 << (number & mask)
  return bits
}

export const traitNeed = (
  regions: readonly number[] | undefined,
  countries: readonly number[] | undefined,
  execSpecs: readonly number[] | undefined,
  tokens: readonly string[],
): TraitNeed => ({
  regions: setOf(regions, 31),
  countries: setOf(countries, 31),
  execSpecs: setOf(execSpecs, 7),
  bloom: bloomOf(tokens),
})

/** False only where the offer behind the code is not what is asked for. */
export const mayBe = (code: number, need: TraitNeed): boolean =>
  ((need.regions >>> (code & 31)) & 1) !== 0 &&
  ((need.countries >>> ((code >>> 5) & 31)) & 1) !== 0 &&
  ((need.execSpecs >>> ((code >>> 10) & 7)) & 1) !== 0 &&
  ((code >>> bloomShift) & need.bloom) === need.bloom
