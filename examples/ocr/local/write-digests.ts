// Reads the shipped pages on this machine and writes down what every machine must answer:
// `node run.mjs examples/ocr/local/write-digests.ts`, after the pages, the programs or the runtime have changed.
import { publishProgram } from '@muster/graph'
import { readShippedPages } from '../page/read-shipped-pages.ts'
import { digestsByPage, writeShippedDigests } from '../page/shipped-digests.ts'
import { buildDetector } from '../program/build-detector.ts'
import { buildRecogniser } from '../program/build-recogniser.ts'
import { readPublishedModels } from '../program/published.ts'
import { recordDigests } from '../program/record-digests.ts'
import { readPages } from '../read-pages.ts'
import { createLocalModels } from './create-local-models.ts'

const shipped = readShippedPages()
const published = readPublishedModels()
const models = recordDigests(await createLocalModels(published))
const images = shipped.map(({ image }) => image)
const pages = digestsByPage(models, await readPages(images, models, published.dictionary))
writeShippedDigests({
  programs: {
    detector: publishProgram(buildDetector(published.detector)).manifest.model,
    recogniser: publishProgram(buildRecogniser(published.recogniser)).manifest.model,
  },
  pages: Object.fromEntries(
    shipped.flatMap(({ file }, page) => (pages[page] === undefined ? [] : [[file, pages[page]]])),
  ),
})
