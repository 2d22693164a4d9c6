import type { Cid, Problem } from '@muster/protocol'

/** What came of a model: its program, why it is none, that it takes too much memory, or what broke in the check. */
export type ModelVerdict =
  | { readonly program: Cid }
  | { readonly problem: Problem }
  | { readonly tooLarge: true }
  | { readonly broken: string }
