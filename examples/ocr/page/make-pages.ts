// Draws a folder of pages with known text: `node run.mjs examples/ocr/page/make-pages.ts [--seed 1] [--count 28] [--out FOLDER]`.
// Seed 1 is what is shipped, seed 2 is held out, and constants are chosen on others.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { encodePng } from '../image/png/encode-png.ts'
import { makePage } from './make-page.ts'
import { shippedFolder, shippedSeed } from './read-shipped-pages.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(shippedSeed) },
    count: { type: 'string', default: '28' },
    out: { type: 'string', default: shippedFolder },
  },
})

const pages = Array.from({ length: Number(values.count) }, (_, number) => makePage(Number(values.seed), number))
mkdirSync(values.out, { recursive: true })
for (const { file, image } of pages) writeFileSync(path.join(values.out, file), encodePng(image))
const truth = Object.fromEntries(pages.map(({ file, font, lines }) => [file, { font, lines }]))
writeFileSync(path.join(values.out, 'truth.json'), `${JSON.stringify(truth, null, 2)}\n`)
