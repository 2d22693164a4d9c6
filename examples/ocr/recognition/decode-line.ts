import type { Tensor } from '@muster/graph'
import type { Dictionary } from './dictionary.ts'

export type LineText = {
  readonly text: string
  /** Mean probability of its characters, 0 to 1. */
  readonly score: number
}

const blank = 0
const numbersPerStep = 3

/**
 * How likely a space must have been between two characters to be written. The recogniser was trained mostly on Chinese
 * and seldom lets a space win a step, yet where there is one it gives it 50 times what it gives it elsewhere; found on
 * pages that are neither the shipped nor the held-out ones (docs/decisions/0005-ocr-example.md).
 */
const leastSpace = 0.03

/**
 * Greedy CTC over `steps`, float32 [1, T, 3] of class, its probability, probability of a space. Repeats are one
 * character unless a blank is between them; spaces are placed by their probability, at most one between two characters.
 */
export const decodeLine = (steps: Tensor, dictionary: Dictionary): LineText => {
  if (steps.dtype !== 'float32') throw new TypeError('steps are float32 [1, T, 3]')
  const space = dictionary.length - 1
  let text = ''
  let score = 0
  let characters = 0
  let previous = blank
  let likeliestSpace = 0
  for (let at = 0; at < steps.data.length; at += numbersPerStep) {
    const [current = blank, probability = 0, spaceProbability = 0] = steps.data.subarray(at, at + numbersPerStep)
    likeliestSpace = Math.max(likeliestSpace, spaceProbability)
    if (current !== blank && current !== space && current !== previous) {
      if (characters > 0 && likeliestSpace >= leastSpace) text += ' '
      text += dictionary[current] ?? ''
      score += probability
      characters += 1
      likeliestSpace = spaceProbability
    }
    previous = current
  }
  return { text, score: characters === 0 ? 0 : score / characters }
}
