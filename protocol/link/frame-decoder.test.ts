import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFrameDecoder } from './frame-decoder.ts'

const frameOf = (body: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(4 + body.length)
  new DataView(frame.buffer).setUint32(0, body.length)
  frame.set(body, 4)
  return frame
}

const decode = (chunks: readonly Uint8Array[], maxFrameBytes = 1000) => {
  const frames: Uint8Array[] = []
  const tooLarge: number[] = []
  const decoder = createFrameDecoder({
    maxFrameBytes,
    onFrame: (body) => frames.push(body.slice()),
    onTooLarge: (bytes) => tooLarge.push(bytes),
  })
  for (const chunk of chunks) decoder.push(chunk)
  return { frames, tooLarge }
}

/** Cuts bytes at the given places, which need not be in order or inside. */
const cut = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index] ?? 0, edge))
}

test('frames come out whole and in order however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }),
      fc.array(fc.nat(5000), { maxLength: 40 }),
      (bodies, places) => {
        const bytes = new Uint8Array(Buffer.concat(bodies.map(frameOf)))
        expect(decode(cut(bytes, places)).frames).toEqual(bodies.map((body) => new Uint8Array(body)))
      },
    ),
    { numRuns: 500 },
  )
})

test('a frame one byte at a time', () => {
  const body = Uint8Array.from({ length: 900 }, (_, index) => index & 255)
  const bytes = frameOf(body)
  expect(decode([...bytes].map((byte) => Uint8Array.of(byte))).frames).toEqual([body])
})

test('a head that promises too much ends the stream, and nothing is held for it', () => {
  const huge = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3)
  const good = frameOf(Uint8Array.of(1))
  expect(decode([good, huge, good])).toEqual({ frames: [Uint8Array.of(1)], tooLarge: [0xffffffff] })
  expect(decode([huge.subarray(0, 2), huge.subarray(2), good]).tooLarge).toEqual([0xffffffff])
})

test('bodies are plain Uint8Arrays whose slices are copies', () => {
  const decoder = createFrameDecoder({
    maxFrameBytes: 10,
    onFrame: (body) => {
      expect(Buffer.isBuffer(body)).toBe(false)
      expect(body.slice().buffer.byteLength).toBe(body.length)
    },
    onTooLarge: () => {},
  })
  decoder.push(Buffer.from(frameOf(Uint8Array.of(1, 2, 3))))
  expect.assertions(2)
})
