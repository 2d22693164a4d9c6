import { extendModel } from './extend-model.ts'

const publishedInput = 'x'
const publishedOutput = 'sigmoid_0.tmp_0'

/** Mean and deviation of ImageNet's channels, blue to red as the detector was trained, on a scale of 0 to 255. */
const mean = { dtype: 'float32', dims: [1, 3, 1, 1], data: Float32Array.of(123.675, 116.28, 103.53) } as const
const deviation = { dtype: 'float32', dims: [1, 3, 1, 1], data: Float32Array.of(58.395, 57.12, 57.375) } as const
const white = { dtype: 'float32', dims: [], data: Float32Array.of(255) } as const

/**
 * PP-OCRv4's detector from bytes to bytes: `page`, uint8 [1, 1, H, W] of brightness, sides multiples of 32, becomes
 * `map`, uint8 [1, 1, H, W], the probability that a pixel belongs to text × 255, rounded down.
 * Brightness less the three means is what turns one channel into three.
 */
export const buildDetector = (published: Uint8Array): Uint8Array =>
  extendModel(published, {
    inputs: [{ name: 'page', dtype: 'uint8', dims: [1, 1, 'height', 'width'] }],
    outputs: [{ name: 'map', dtype: 'uint8', dims: [1, 1, 'height', 'width'] }],
    weights: { 'page.mean': mean, 'page.deviation': deviation, 'map.white': white },
    before: [
      { op: 'Cast', inputs: ['page'], outputs: ['page.float'], attributes: { to: 1n } },
      { op: 'Sub', inputs: ['page.float', 'page.mean'], outputs: ['page.centred'] },
      { op: 'Div', inputs: ['page.centred', 'page.deviation'], outputs: [publishedInput] },
    ],
    after: [
      { op: 'Mul', inputs: [publishedOutput, 'map.white'], outputs: ['map.float'] },
      { op: 'Cast', inputs: ['map.float'], outputs: ['map'], attributes: { to: 2n } },
    ],
  })
