import { tensorDigest, type Tensor } from '@muster/graph'
import type { OcrModels } from '../read-pages.ts'

export type OutputDigest = ReturnType<typeof tensorDigest>

export type RecordedModels = OcrModels & {
  /** Digests of what was answered so far, in the order of the questions. */
  readonly maps: readonly OutputDigest[]
  readonly steps: readonly OutputDigest[]
}

/** The same models, with the digest of every output noted down. */
export const recordDigests = (models: OcrModels): RecordedModels => {
  const maps: OutputDigest[] = []
  const steps: OutputDigest[] = []
  const note = async (digests: OutputDigest[], answers: Promise<readonly Tensor[]>) => {
    for (const answer of await answers) digests.push(tensorDigest(answer))
    return answers
  }
  return {
    maps,
    steps,
    detect: (pages) => note(maps, models.detect(pages)),
    recognise: (lines) => note(steps, models.recognise(lines)),
  }
}
