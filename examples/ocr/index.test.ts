import { expect, test } from 'vitest'
import * as ocr from './index.ts'

test('exports these names', () => {
  expect(Object.keys(ocr).toSorted()).toMatchInlineSnapshot(`
    [
      "ImageError",
      "buildDetector",
      "buildRecogniser",
      "characterErrors",
      "cutLine",
      "decodeImage",
      "decodeLine",
      "defaultImageLimits",
      "digestsByPage",
      "errorRate",
      "orderBoxes",
      "prepareLine",
      "preparePage",
      "readBoxes",
      "readInput",
      "readPages",
      "readPublishedModels",
      "readShippedDigests",
      "readShippedPages",
      "recordDigests",
    ]
  `)
})
