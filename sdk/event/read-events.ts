import { MusterError } from '@muster/protocol'
import type { z } from 'zod'
import { parseEvents } from './parse-events.ts'

/** The events of a stream as values of a schema. An event that is not of it rejects with `internal`. */
export async function* readEvents<Schema extends z.ZodType>(
  chunks: AsyncIterable<Uint8Array>,
  schema: Schema,
): AsyncGenerator<z.output<Schema>, void, undefined> {
  for await (const { data } of parseEvents(chunks)) {
    let value: unknown
    try {
      value = JSON.parse(data)
    } catch {
      value = undefined
    }
    const parsed = schema.safeParse(value)
    if (!parsed.success) {
      throw new MusterError({
        code: 'internal',
        message: 'The market sent an event of a form this version does not know; compare versions.',
        facts: { found: data.slice(0, 200) },
        retry: 'never',
        cause: parsed.error,
      })
    }
    yield parsed.data
  }
}
