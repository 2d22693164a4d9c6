import type { Dtype } from '../tensor/dtype.ts'

/** The extent of an axis: a number; a symbol, which has one value wherever it stands; or `''`, any extent. */
export type Dim = number | string

/** An input or output of a program as its model declares it; `dims` is null where any rank will do. */
export interface ValueDeclaration {
  readonly name: string
  readonly dtype: Dtype
  readonly dims: readonly Dim[] | null
}
