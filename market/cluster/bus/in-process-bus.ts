import { maxBusBytes, type Bus } from './bus.ts'

/** What the nodes of one process speak on. */
export interface InProcessBus {
  /** A node's end of it. `isCut` says whether what it publishes, or is to hear, is lost. */
  join(isCut?: () => boolean): Bus
}

export const createInProcessBus = (): InProcessBus => {
  const ends = new Set<(text: string) => void>()
  return {
    join: (isCut = () => false) => {
      const listeners: ((text: string) => void)[] = []
      const hear = (text: string): void => {
        if (!isCut()) for (const listener of listeners) listener(text)
      }
      ends.add(hear)
      return {
        publish: (text) => {
          if (!ends.has(hear) || isCut() || Buffer.byteLength(text) > maxBusBytes) return
          queueMicrotask(() => {
            for (const end of ends) end(text)
          })
        },
        subscribe: (listener) => void listeners.push(listener),
        isUp: () => ends.has(hear) && !isCut(),
        close: async () => void ends.delete(hear),
      }
    },
  }
}
