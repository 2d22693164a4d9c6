import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFrameReader, FrameError, layFrame, type Frame } from './frame.ts'

const bounds = { headBytes: 10_000, bodyBytes: 1000 }

const join = (buffers: readonly Uint8Array[]): Uint8Array => Uint8Array.from(buffers.flatMap((bytes) => [...bytes]))

const readAll = (bytes: Uint8Array, cuts: readonly number[] = []): Frame[] => {
  const frames: Frame[] = []
  const read = createFrameReader(bounds, (frame) => frames.push(frame))
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  for (const [index, start] of places.entries()) read(bytes.subarray(start, places[index + 1] ?? bytes.length))
  return frames
}

describe('frames', () => {
  test('come out as they went in, however the stream is cut', () => {
    const message = fc.record({
      type: fc.string(),
      parts: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }),
    })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), fc.array(fc.nat(), { maxLength: 12 }), (messages, cuts) => {
        const bytes = join(messages.flatMap(({ type, parts }) => layFrame({ type }, parts)))
        const frames = readAll(bytes, cuts)
        expect(frames.map(({ head }) => head)).toEqual(
          messages.map(({ type, parts }) => ({ type, parts: parts.map(({ length }) => length) })),
        )
        expect(frames.map(({ parts }) => parts)).toEqual(messages.map(({ parts }) => parts))
      }),
    )
  })

  test('join the pieces of a part, and give each part aligned memory of its own', () => {
    const [frame] = readAll(join(layFrame({}, [[Uint8Array.of(1, 2), Uint8Array.of(3)], Uint8Array.of(4)])))
    expect(frame?.parts).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4)])
    expect(frame?.parts.map(({ byteOffset }) => byteOffset)).toEqual([0, 0])
  })

  test.each([
    ['an empty head', new Uint8Array(12)],
    ['a head beyond its bound', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['a body beyond its bound', join(layFrame({}, [new Uint8Array(1001)]))],
    ['a head that is not JSON', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7b)],
    ['a head without parts', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d)],
  ])('of %s are refused', (_, bytes) => {
    expect(() => readAll(bytes)).toThrow(FrameError)
  })
})
