/** Events of all simulated processes in the order of virtual time, in milliseconds from 0. */
export interface Timeline {
  now(): number
  /** Calls `action` at `now() + delayMs`; of two at the same time the one asked for first goes first. */
  after(delayMs: number, action: () => void): { cancel(): void }
  /**
   * Runs events one by one until `isDone` or none is left. All promises an event settles are followed to their end before
   * the next one; an action that throws goes to `onError`.
   */
  run(isDone: () => boolean, onError: (error: unknown) => void): Promise<void>
  /** Events that ran. */
  readonly count: number
}

interface Event {
  readonly at: number
  readonly order: number
  action: (() => void) | undefined
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

const createHeap = () => {
  const heap: Event[] = []
  return {
    push: (event: Event): void => {
      let at = heap.length
      heap.push(event)
      while (at > 0) {
        const above = (at - 1) >> 1
        const parent = heap[above]
        if (parent === undefined || !isBefore(event, parent)) break
        heap[at] = parent
        at = above
      }
      heap[at] = event
    },
    pop: (): Event | undefined => {
      const first = heap[0]
      const last = heap.pop()
      if (last === undefined || heap.length === 0) return first
      let at = 0
      while (true) {
        let below = 2 * at + 1
        let child = heap[below]
        if (child === undefined) break
        const other = heap[below + 1]
        if (other !== undefined && isBefore(other, child)) {
          child = other
          below++
        }
        if (!isBefore(child, last)) break
        heap[at] = child
        at = below
      }
      heap[at] = last
      return first
    },
  }
}

export const createTimeline = (): Timeline => {
  const heap = createHeap()
  let now = 0
  let order = 0
  let count = 0
  return {
    now: () => now,
    after: (delayMs, action) => {
      const event: Event = { at: now + Math.max(0, delayMs), order: order++, action }
      heap.push(event)
      return {
        cancel: () => {
          event.action = undefined
        },
      }
    },
    run: (isDone, onError) =>
      new Promise((resolve) => {
        // Asked for from a microtask, so that Node empties the microtask queue before it comes to the tick.
        const rest = () => process.nextTick(step)
        const step = () => {
          if (isDone()) return resolve()
          let event = heap.pop()
          while (event !== undefined && event.action === undefined) event = heap.pop()
          if (event?.action === undefined) return resolve()
          now = event.at
          count++
          try {
            event.action()
          } catch (error) {
            onError(error)
          }
          queueMicrotask(rest)
        }
        queueMicrotask(rest)
      }),
    get count() {
      return count
    },
  }
}
