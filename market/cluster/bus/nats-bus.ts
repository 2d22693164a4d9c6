import { MusterError, type Log } from '@muster/protocol'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { maxBusBytes, type Bus } from './bus.ts'

export interface NatsBusOptions {
  /** `nats://host:4222`, or several with commas between them. */
  readonly url: string
  /** Of this market: nobody else's texts are heard. */
  readonly subject: string
}

const connectMs = 5_000
const reconnectMs = 500

/** What is said of a server without what may be secret in its URL. */
const bare = (url: string): string => url.replace(/\/\/[^@/]*@/g, '//')

/** The bus over NATS. Connects again for as long as it takes. Throws `unavailable` where the server cannot be reached at first. */
export const connectNatsBus = async (
  { url, subject }: NatsBusOptions,
  { log }: { readonly log: Log },
): Promise<Bus> => {
  let connection: NatsConnection
  try {
    connection = await connect({
      servers: url.split(',').map((server) => server.trim()),
      timeout: connectMs,
      reconnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: reconnectMs,
      ignoreClusterUpdates: true,
    })
  } catch (cause) {
    throw new MusterError({
      code: 'unavailable',
      fault: 'machine',
      message: `NATS does not answer at ${bare(url)}: start nats-server there, or leave --nats-url out to run one node alone.`,
      facts: { url: bare(url) },
      cause,
    })
  }
  let isUp = true
  const watch = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') {
        isUp = false
        log.warn('NATS is away; nodes look at each other once a second meanwhile', { url: bare(url) })
      } else if (type === 'reconnect') {
        isUp = true
        log.info('NATS is back', { url: bare(url) })
      }
    }
  }
  watch().catch((error: unknown) => log.warn('could not watch the connection to NATS', { error }))
  return {
    publish: (text) => {
      if (!isUp || connection.isClosed()) return
      try {
        connection.publish(subject, text)
      } catch (error) {
        log.debug('could not publish', { error })
      }
    },
    subscribe: (listener) => {
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null && message.data.length <= maxBusBytes) listener(message.string())
        },
      })
    },
    isUp: () => isUp,
    close: () => connection.close(),
  }
}
