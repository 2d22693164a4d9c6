import { MessageChannel } from 'node:worker_threads'

/**
 * Keeps the program alive until the function it returns is called: the timers of the world do not, and waiting for a
 * database may be all there is to do.
 */
export const stayAwake = (): (() => void) => {
  const { port1 } = new MessageChannel()
  port1.on('message', () => {})
  return () => port1.close()
}
