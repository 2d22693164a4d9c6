import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { listOf } from '../fake/index.ts'
import { parseEvents, type ServerSentEvent } from './parse-events.ts'

const parse = async (chunks: readonly Uint8Array[]): Promise<ServerSentEvent[]> => {
  const stream = async function* () {
    yield* chunks
  }
  return listOf(parseEvents(stream()))
}
const bytes = (text: string) => new TextEncoder().encode(text)

describe('parseEvents', () => {
  test('reads id, type and data, with several lines of data joined', async () => {
    expect(await parse([bytes('id: 7\nevent: accepted\ndata: one\ndata: two\n\n')])).toEqual([
      { id: '7', event: 'accepted', data: 'one\ntwo' },
    ])
  })

  test('skips comments, unknown fields, and blocks without data; keeps the id', async () => {
    const events = await parse([bytes(': hello\n\nid: 1\nretry: 5\n\ndata:x\n\ndata\n\n')])
    expect(events).toEqual([
      { id: '1', event: 'message', data: 'x' },
      { id: '1', event: 'message', data: '' },
    ])
  })

  test('drops what was not ended', async () => {
    expect(await parse([bytes('data: whole\n\ndata: half')])).toHaveLength(1)
  })

  test('reads the same events however the stream is cut and its lines end', async () => {
    const events = [
      { id: '1', event: 'a', data: 'grüße 🚀' },
      { id: '2', event: 'message', data: 'x\ny' },
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 12 }),
        async (end, cuts) => {
          const lines = ['id: 1', 'event: a', 'data: grüße 🚀', '', 'id: 2', 'data: x', 'data: y', '', '']
          // A lone CR at the very end could still be half of a CRLF, so something follows it.
          const all = bytes(`${lines.join(end)}${end === '\r' ? ':' : ''}`)
          const places = [0, ...cuts.filter((at) => at < all.length).toSorted((a, b) => a - b), all.length]
          const chunks = places.slice(1).map((to, index) => all.slice(places[index], to))
          expect(await parse(chunks)).toEqual(events)
        },
      ),
    )
  })
})
