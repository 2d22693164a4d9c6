import { checkProgram, publishProgram } from '@muster/graph'
import { beforeAll, describe, expect, test } from 'vitest'
import { createLocalModels } from './local/create-local-models.ts'
import { makePage } from './page/make-page.ts'
import { readShippedPages, shippedSeed } from './page/read-shipped-pages.ts'
import { digestsByPage, readShippedDigests } from './page/shipped-digests.ts'
import { buildDetector } from './program/build-detector.ts'
import { buildRecogniser } from './program/build-recogniser.ts'
import { readPublishedModels } from './program/published.ts'
import { recordDigests, type RecordedModels } from './program/record-digests.ts'
import { createGrayImage } from './image/gray-image.ts'
import { readPages } from './read-pages.ts'
import { characterErrors, errorRate } from './text/character-errors.ts'

const published = readPublishedModels()
const digests = readShippedDigests()

describe('programs', () => {
  test('are built to the same bytes everywhere', () => {
    expect(publishProgram(buildDetector(published.detector)).manifest.model).toBe(digests.programs.detector)
    expect(publishProgram(buildRecogniser(published.recogniser)).manifest.model).toBe(digests.programs.recogniser)
  })

  test('take and give bytes and three numbers a step', () => {
    expect(checkProgram(buildDetector(published.detector))).toMatchObject({
      ok: true,
      program: { inputs: [{ name: 'page', dtype: 'uint8' }], outputs: [{ name: 'map', dtype: 'uint8' }] },
    })
    expect(checkProgram(buildRecogniser(published.recogniser))).toMatchObject({
      ok: true,
      program: { inputs: [{ name: 'line', dtype: 'uint8' }], outputs: [{ name: 'steps', dtype: 'float32' }] },
    })
  })
})

describe('reading pages on this machine', () => {
  const chosen = readShippedPages().filter(({ file }) => ['page-01.png', 'page-08.png', 'page-24.png'].includes(file))
  let models: RecordedModels

  beforeAll(async () => {
    models = recordDigests(await createLocalModels(published))
  })

  test('gives the known text and, bit for bit, the outputs shipped with the example', async () => {
    const images = chosen.map(({ image }) => image)
    const texts = await readPages(images, models, published.dictionary)
    const errors = chosen.map(({ lines }, page) => characterErrors(texts[page]?.lines ?? [], lines))
    expect(errorRate(errors)).toBeLessThanOrEqual(0.015)
    expect(digestsByPage(models, texts)).toEqual(chosen.map(({ file }) => digests.pages[file]))
  })

  test('reads pages of a series on which nothing was chosen', async () => {
    const heldOut = [makePage(shippedSeed + 1, 3), makePage(shippedSeed + 1, 13)]
    const texts = await readPages(
      heldOut.map(({ image }) => image),
      models,
      published.dictionary,
    )
    const errors = heldOut.map(({ lines }, page) => characterErrors(texts[page]?.lines ?? [], lines))
    expect(errorRate(errors)).toBeLessThanOrEqual(0.03)
  })

  test('finds nothing on an empty page and asks nothing about it', async () => {
    expect(await readPages([createGrayImage(300, 200)], models, published.dictionary)).toEqual([
      { lines: [], pieces: 0 },
    ])
  })

  test('says which answer is missing', async () => {
    const silent = { detect: () => Promise.resolve([]), recognise: () => Promise.resolve([]) }
    await expect(readPages([createGrayImage(30, 20)], silent, published.dictionary)).rejects.toThrow(
      'no detection map for page 0',
    )
  })
})
