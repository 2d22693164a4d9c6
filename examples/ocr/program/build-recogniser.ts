import { extendModel } from './extend-model.ts'

const publishedInput = 'x'
const publishedOutput = 'softmax_11.tmp_0'
const classes = 6_625n

const middle = { dtype: 'float32', dims: [1, 3, 1, 1], data: Float32Array.of(127.5, 127.5, 127.5) } as const

/**
 * PP-OCRv4's recogniser from bytes to three numbers a step: `line`, uint8 [N, 1, 48, W] of brightness, becomes `steps`,
 * float32 [N, W / 8, 3]: the likeliest class, its probability, and the probability of a space. The published model
 * answers with 6,625 probabilities a step, about a megabyte for each piece of text.
 */
export const buildRecogniser = (published: Uint8Array): Uint8Array =>
  extendModel(published, {
    inputs: [{ name: 'line', dtype: 'uint8', dims: ['lines', 1, 48, 'width'] }],
    outputs: [{ name: 'steps', dtype: 'float32', dims: ['lines', 'steps', 3] }],
    weights: { 'line.middle': middle },
    before: [
      { op: 'Cast', inputs: ['line'], outputs: ['line.float'], attributes: { to: 1n } },
      { op: 'Sub', inputs: ['line.float', 'line.middle'], outputs: ['line.centred'] },
      { op: 'Div', inputs: ['line.centred', 'line.middle'], outputs: [publishedInput] },
    ],
    after: [
      { op: 'ArgMax', inputs: [publishedOutput], outputs: ['class.index'], attributes: { axis: 2n, keepdims: 1n } },
      { op: 'Cast', inputs: ['class.index'], outputs: ['class'], attributes: { to: 1n } },
      {
        op: 'ReduceMax',
        inputs: [publishedOutput],
        outputs: ['probability'],
        attributes: { axes: [2n], keepdims: 1n },
      },
      {
        op: 'Slice',
        inputs: [publishedOutput],
        outputs: ['space'],
        attributes: { axes: [2n], starts: [classes - 1n], ends: [classes] },
      },
      { op: 'Concat', inputs: ['class', 'probability', 'space'], outputs: ['steps'], attributes: { axis: 2n } },
    ],
  })
