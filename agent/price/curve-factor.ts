import type { CurvePoint } from './price-policy.ts'
import { add, isLess, multiply, one, type Ratio } from './ratio.ts'

/** The factor of a utilisation curve at a share of slots sold: on the straight line between the points around it, level outside them, 1 without any. */
export const curveFactor = (points: readonly CurvePoint[], sold: Ratio): Ratio => {
  const after = points.findIndex((point) => isLess(sold, point.sold))
  const left = points.at(after === -1 ? -1 : Math.max(0, after - 1))
  const right = points[after]
  if (left === undefined) return one
  if (right === undefined || right === left) return left.factor
  const span = subtract(right.sold, left.sold)
  const share = divide(subtract(sold, left.sold), span)
  return add(multiply(left.factor, subtract(one, share)), multiply(right.factor, share))
}

/** `a - b` where `b` is at most `a`. */
const subtract = (a: Ratio, b: Ratio): Ratio => add(a, { numerator: -b.numerator, denominator: b.denominator })

const divide = (a: Ratio, b: Ratio): Ratio => multiply(a, { numerator: b.denominator, denominator: b.numerator })
