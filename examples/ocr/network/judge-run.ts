import { readShippedDigests } from '../page/shipped-digests.ts'
import { characterErrors, errorRate } from '../text/character-errors.ts'
import type { OcrRun } from './run-on-network.ts'

export const maxErrorRate = 0.03

/** What is wrong with a run, in words; nothing where it is right. */
export const judgeRun = (run: OcrRun): string[] => {
  const complaints = run.waves.flatMap(({ bill }) => bill.complaints)
  if (run.pages.some(({ lines }) => lines === undefined)) return complaints
  const shipped = readShippedDigests()
  for (const name of ['detector', 'recogniser'] as const) {
    if (shipped.programs[name] !== run.programs[name]) {
      complaints.push(
        `the ${name} is not the one shipped: expected ${shipped.programs[name]}, found ${run.programs[name]}`,
      )
    }
  }
  run.pages.forEach(({ file }, page) => {
    const expected = shipped.pages[file]
    const found = run.digests[page]
    if (expected === undefined || found === undefined) complaints.push(`${file}: no digests`)
    else if (expected.map !== found.map)
      complaints.push(`${file}: its map differs: expected ${expected.map}, found ${found.map}`)
    else if (expected.pieces.join() !== found.pieces.join()) complaints.push(`${file}: what was recognised differs`)
  })
  const rate = errorRateOf(run)
  if (rate !== undefined && rate > maxErrorRate) {
    complaints.push(`character error rate ${(100 * rate).toFixed(2)} %, expected at most ${100 * maxErrorRate} %`)
  }
  return complaints
}

/** Errors over characters of the pages whose text is known, or `undefined` where none is. */
export const errorRateOf = ({ pages, texts }: Pick<OcrRun, 'pages' | 'texts'>): number | undefined => {
  const known = pages.flatMap(({ lines }, page) =>
    lines === undefined ? [] : [characterErrors(texts[page]?.lines ?? [], lines)],
  )
  return known.length === 0 ? undefined : errorRate(known)
}
