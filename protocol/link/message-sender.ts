import { MusterError } from '../error/muster-error.ts'
import { encodeMessage } from './encode-message.ts'
import type { AgentMessage, MarketMessage } from './link-message.ts'

export interface MessageSenderOptions {
  readonly maxFrameBytes: number
  readonly maxQueuedBytes: number
  /** Writes to the stream and calls `done` once it took the bytes. */
  write(bytes: Uint8Array, done: () => void): void
  /** More than `maxQueuedBytes` wait. Called once; nothing is sent after it. */
  onOverflow(queuedBytes: number): void
}

export interface MessageSender<Message> {
  send(message: Message): void
  /** Takes no more messages; resolves once what was sent before is written, or the sender was stopped. */
  end(): Promise<void>
  /** Forgets what waits. */
  stop(): void
}

const headBytes = 4

const joinFrames = (bodies: readonly Uint8Array[], totalBytes: number): Uint8Array => {
  const bytes = new Uint8Array(totalBytes)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const body of bodies) {
    view.setUint32(at, body.length)
    bytes.set(body, at + headBytes)
    at += headBytes + body.length
  }
  return bytes
}

/**
 * Sends messages as frames in order, one write at a time: what is sent in one turn, or while a write is under way,
 * leaves together.
 */
export const createMessageSender = <Message extends MarketMessage | AgentMessage>(
  options: MessageSenderOptions,
): MessageSender<Message> => {
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  let writingBytes = 0
  let isScheduled = false
  let isEnded = false
  let isStopped = false
  const drained = Promise.withResolvers<void>()

  const flush = (): void => {
    isScheduled = false
    if (isStopped || writingBytes > 0) return
    if (waitingBytes === 0) {
      if (isEnded) drained.resolve()
      return
    }
    const bytes = joinFrames(waiting, waitingBytes)
    waiting = []
    waitingBytes = 0
    writingBytes = bytes.length
    options.write(bytes, () => {
      writingBytes = 0
      flush()
    })
  }

  const stop = (): void => {
    isStopped = true
    waiting = []
    waitingBytes = 0
    drained.resolve()
  }

  return {
    send: (message) => {
      if (isEnded || isStopped) return
      const body = encodeMessage(message)
      if (body.length > options.maxFrameBytes) {
        throw new MusterError({
          code: 'request_invalid',
          message: 'This message is too large for the link: send it in parts.',
          facts: { type: message.type, bytes: body.length, maxBytes: options.maxFrameBytes },
        })
      }
      waiting.push(body)
      waitingBytes += headBytes + body.length
      const queuedBytes = waitingBytes + writingBytes
      if (queuedBytes > options.maxQueuedBytes) {
        stop()
        return options.onOverflow(queuedBytes)
      }
      if (isScheduled || writingBytes > 0) return
      isScheduled = true
      queueMicrotask(flush)
    },
    end: () => {
      isEnded = true
      if (writingBytes === 0 && !isScheduled) flush()
      return drained.promise
    },
    stop,
  }
}
