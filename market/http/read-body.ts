import { MusterError, type World } from '@muster/protocol'
import type { BodyShare } from './body-budget.ts'
import { bodyIdleMs, bodyWholeMs, smallBodyBytes } from './body-limits.ts'

const refuse = (message: string, facts: Readonly<Record<string, unknown>> = {}): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts })

const tooLarge = (maxBytes: number): MusterError =>
  refuse(`The body of this request is at most ${maxBytes} bytes of JSON.`, { expected: `at most ${maxBytes} bytes` })

export interface ReadJsonOptions {
  readonly maxBytes: number
  /** Takes what the body holds in memory beyond a few KiB. */
  readonly share: BodyShare
  /** Told of bytes as they arrive. */
  readonly onBytes?: (bytes: number) => void
}

/** The JSON body of a request, bounded in size and time. Throws `request_invalid` or `rate_limited`. */
export const readJson = async (
  request: Request,
  { maxBytes, share, onBytes }: ReadJsonOptions,
  world: World,
): Promise<unknown> => {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Uint8Array[] = []
  const startedAt = world.elapsed()
  let length = 0
  for await (const chunk of readBytes(request, world, onBytes)) {
    const before = length
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    if (world.elapsed() - startedAt > bodyWholeMs) throw refuse(`The body took more than ${bodyWholeMs} ms to arrive.`)
    share.take(Math.max(0, length - smallBodyBytes) - Math.max(0, before - smallBodyBytes))
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw refuse('The body of this request is not JSON.', {
      found: cause instanceof Error ? cause.message : 'not JSON',
    })
  }
}

/** The raw body of a request. Throws `request_invalid` where it breaks off or stands still for `bodyIdleMs`. */
export async function* readBytes(
  request: Request,
  world: World,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<Uint8Array> {
  if (request.body === null) return
  const reader = request.body.getReader()
  const next = async () => {
    const stalled = Promise.withResolvers<never>()
    const timer = world.after(bodyIdleMs, () =>
      stalled.reject(refuse(`The body of this request stood still for ${bodyIdleMs} ms.`)),
    )
    try {
      return await Promise.race([reader.read(), stalled.promise])
    } catch (cause) {
      if (cause instanceof MusterError) throw cause
      throw new MusterError({ code: 'request_invalid', message: 'The body of this request broke off.', cause })
    } finally {
      timer.cancel()
    }
  }
  try {
    for (let part = await next(); part.value !== undefined; part = await next()) {
      onBytes(part.value.length)
      yield part.value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}
