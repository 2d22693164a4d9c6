import { MusterError } from '@muster/protocol'

const maxJsonBytes = 64 * 1024 * 1024

const tooLarge = (): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: `The body of a request is at most ${maxJsonBytes} bytes of JSON.`,
    facts: { expected: `at most ${maxJsonBytes} bytes` },
  })

/** The JSON body of a request, bounded. Throws `request_invalid`. */
export const readJson = async (request: Request): Promise<unknown> => {
  if (Number(request.headers.get('content-length') ?? 0) > maxJsonBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of readBytes(request)) {
    length += chunk.length
    if (length > maxJsonBytes) throw tooLarge()
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw new MusterError({
      code: 'request_invalid',
      message: 'The body of this request is not JSON.',
      facts: { found: cause instanceof Error ? cause.message : 'not JSON' },
    })
  }
}

/** The raw body of a request. */
export async function* readBytes(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body === null) return
  for await (const chunk of request.body) yield chunk
}
