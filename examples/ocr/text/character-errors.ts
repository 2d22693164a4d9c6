import { editDistance } from './edit-distance.ts'

export type CharacterErrors = { readonly errors: number; readonly characters: number }

const joined = (lines: readonly string[]) => lines.map((line) => line.trim().replace(/\s+/g, ' ')).join('\n')

/** Errors of a page against its known text, line breaks and single spaces counted like any character. */
export const characterErrors = (read: readonly string[], known: readonly string[]): CharacterErrors => {
  const truth = joined(known)
  return { errors: editDistance(joined(read), truth), characters: Array.from(truth).length }
}

/** Errors over characters of all pages together. */
export const errorRate = (pages: readonly CharacterErrors[]): number => {
  const characters = pages.reduce((sum, page) => sum + page.characters, 0)
  return characters === 0 ? 0 : pages.reduce((sum, page) => sum + page.errors, 0) / characters
}
