import type { z } from 'zod'
import { decodeCanonical } from '../cbor/canonical.ts'
import { createFrameDecoder } from './frame-decoder.ts'

export interface MessageReceiver {
  push(chunk: Uint8Array): void
  /** Nothing is handed on any more. */
  stop(): void
}

export interface MessageReceiverOptions<Message> {
  readonly schema: z.ZodType<Message>
  readonly maxFrameBytes: number
  onMessage(message: Message): void
  /** Bytes that are no message: what was wrong, for the log. Called once; nothing is handed on after it. */
  onGarbage(found: string): void
}

const found = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 500)

/** Turns the bytes of a message stream into checked messages, in order. */
export const createMessageReceiver = <Message>(options: MessageReceiverOptions<Message>): MessageReceiver => {
  let isStopped = false

  const refuse = (what: string): void => {
    if (isStopped) return
    isStopped = true
    options.onGarbage(what)
  }

  const read = (body: Uint8Array): Message | undefined => {
    let value: unknown
    try {
      value = decodeCanonical(body)
    } catch (error) {
      refuse(found(error))
      return undefined
    }
    const parsed = options.schema.safeParse(value)
    if (!parsed.success) refuse(found(parsed.error))
    return parsed.data
  }

  const decoder = createFrameDecoder({
    maxFrameBytes: options.maxFrameBytes,
    onFrame: (body) => {
      if (isStopped) return
      const message = read(body)
      if (message !== undefined) options.onMessage(message)
    },
    onTooLarge: (bytes) => refuse(`a frame of ${bytes} bytes, where ${options.maxFrameBytes} are allowed`),
  })

  return {
    push: (chunk) => {
      if (!isStopped) decoder.push(chunk)
    },
    stop: () => {
      isStopped = true
    },
  }
}
