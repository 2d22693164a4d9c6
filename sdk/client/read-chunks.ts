import type { Deadline } from './deadline.ts'
import { networkError } from './network-error.ts'

/** The chunks of an answer; the deadline is for each, and only while it is waited for. Stopping early closes the connection. */
export async function* readChunks(
  response: Response,
  deadline: Deadline,
  url: string,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body?.getReader()
  try {
    while (reader !== undefined) {
      deadline.restart()
      const { done, value } = await reader.read()
      deadline.hold()
      if (done) return
      yield value
    }
  } catch (error) {
    throw networkError(error, url, what)
  } finally {
    deadline.stop()
    await reader?.cancel().catch(() => undefined)
  }
}
