import type { Log, World } from '@muster/protocol'
import type { NodeId, NodeRow } from '../store/node-store.ts'
import type { Hop, PassedMessage } from './hop/hop.ts'

/** Messages on their way to other nodes: in order to each, a group at a time. */
export interface Outbox {
  send(node: NodeRow, message: PassedMessage): void
  /** Drops what waits for a node. */
  forget(node: NodeId): void
}

export interface OutboxModules {
  readonly world: World
  readonly hop: Hop
  readonly log: Log
  /** What was sent to this node may be lost: its links are as good as broken. */
  readonly onLost: (node: NodeRow) => void
}

const groupMessages = 256
const maxWaiting = 20_000
const timeoutMs = 5_000

interface Queue {
  waiting: PassedMessage[]
  isSending: boolean
}

export const createOutbox = ({ world, hop, log, onLost }: OutboxModules): Outbox => {
  const queues = new Map<NodeId, Queue>()

  const pump = async (node: NodeRow, queue: Queue): Promise<void> => {
    queue.isSending = true
    try {
      while (queue.waiting.length > 0 && queues.get(node.id) === queue)
        await hop.call(node, 'messages', queue.waiting.splice(0, groupMessages), timeoutMs)
    } catch (error) {
      log.info('a node does not take messages', { node: node.name, error })
      queue.waiting = []
      if (queues.get(node.id) === queue) onLost(node)
    }
    queue.isSending = false
  }

  return {
    send: (node, message) => {
      const queue = queues.get(node.id) ?? { waiting: [], isSending: false }
      queues.set(node.id, queue)
      queue.waiting.push(message)
      if (queue.waiting.length > maxWaiting) {
        log.warn('a node does not read its messages', { node: node.name, waiting: queue.waiting.length })
        queue.waiting = []
        return onLost(node)
      }
      if (queue.isSending) return
      queue.isSending = true
      // Messages of one turn travel together.
      world.after(0, () => void pump(node, queue))
    },
    forget: (node) => void queues.delete(node),
  }
}
