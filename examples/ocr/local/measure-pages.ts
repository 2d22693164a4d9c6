// Reads a folder of pages on this machine alone and prints how well and how fast:
// `node run.mjs examples/ocr/local/measure-pages.ts [--pages FOLDER] [--lines]`
import { parseArgs } from 'node:util'
import { readPages } from '../read-pages.ts'
import { readShippedPages, shippedFolder } from '../page/read-shipped-pages.ts'
import { readPublishedModels } from '../program/published.ts'
import { characterErrors, errorRate } from '../text/character-errors.ts'
import { createLocalModels } from './create-local-models.ts'

const { values } = parseArgs({
  options: { pages: { type: 'string', default: shippedFolder }, lines: { type: 'boolean', default: false } },
})

const shipped = readShippedPages(values.pages)
const published = readPublishedModels()
const models = await createLocalModels(published)
const started = performance.now()
const texts = await readPages(
  shipped.map(({ image }) => image),
  models,
  published.dictionary,
)
const tookMs = performance.now() - started

const results = shipped.map(({ file, lines: known }, index) => {
  const { lines, pieces } = texts[index] ?? { lines: [], pieces: 0 }
  const { errors, characters } = characterErrors(lines, known)
  process.stdout.write(
    `${file}  ${lines.length} lines  ${pieces} pieces  ${errors} of ${characters} characters wrong\n`,
  )
  if (values.lines && errors > 0) {
    process.stdout.write(known.map((line) => `  - ${line}\n`).join('') + lines.map((line) => `  + ${line}\n`).join(''))
  }
  return { errors, characters, pieces }
})
const pieces = results.reduce((sum, result) => sum + result.pieces, 0)
process.stdout.write(
  `\n${shipped.length} pages, ${pieces} pieces of text, character error rate ${(100 * errorRate(results)).toFixed(2)} %\n` +
    `detection ${models.spent.detectMs.toFixed(0)} ms, recognition ${models.spent.recogniseMs.toFixed(0)} ms, ` +
    `everything ${tookMs.toFixed(0)} ms, on one thread\n`,
)
