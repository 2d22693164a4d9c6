import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mayBe, traitCode, traitNeed } from './trait-code.ts'

const term = fc.nat({ max: 5_000 })
const tokens = fc.uniqueArray(fc.string({ maxLength: 6 }), { maxLength: 8 })

test('a code never says no to what is asked for', () => {
  fc.assert(
    fc.property(term, term, term, tokens, fc.array(term), (region, country, execSpec, has, others) => {
      const code = traitCode(region, country, execSpec, has)
      for (const wanted of [[], has.slice(0, 2), has]) {
        expect(mayBe(code, traitNeed(undefined, undefined, undefined, wanted))).toBe(true)
        expect(mayBe(code, traitNeed([...others, region], [country], [execSpec, ...others], wanted))).toBe(true)
      }
    }),
  )
})

test('and says no to another place, another runtime, and most other tokens', () => {
  const code = traitCode(1, 2, 3, ['atier=a'])
  expect(mayBe(code, traitNeed([2, 3, -1], undefined, undefined, []))).toBe(false)
  expect(mayBe(code, traitNeed(undefined, [1], undefined, []))).toBe(false)
  expect(mayBe(code, traitNeed(undefined, undefined, [2], []))).toBe(false)
  expect(mayBe(code, traitNeed([-1], undefined, undefined, []))).toBe(false)
  const refused = Array.from({ length: 100 }, (_, n) => `apool=p${n}`).filter(
    (token) => !mayBe(code, traitNeed(undefined, undefined, undefined, [token])),
  )
  expect(refused.length).toBeGreaterThan(80)
})
