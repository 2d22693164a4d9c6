import { toJson, type Log, type Timer, type World } from '@muster/protocol'
import { z } from 'zod'
import type { NodeId } from '../store/node-store.ts'
import { maxBusBytes, type Bus } from './bus/bus.ts'

/** What others should look at now, rather than in a second: a node's links, its free slots, the market's facts, its nodes. */
const kinds = ['links', 'freed', 'facts', 'nodes'] as const
export type Nudge = (typeof kinds)[number]

const nudgeSchema = z.strictObject({ from: z.string().max(64), kind: z.enum(kinds) })

export interface Nudges {
  /** Those of one kind within some milliseconds are one. */
  send(kind: Nudge): void
  sendNow(kind: Nudge): void
}

const togetherMs: Readonly<Record<Nudge, number>> = { links: 5, freed: 50, facts: 5, nodes: 5 }
/** What is heard within this time of an answer to the same is answered once, at its end. */
const againMs: Readonly<Record<Nudge, number>> = { links: 20, freed: 50, facts: 100, nodes: 100 }
/** Texts read a second: many more than dozens of honest nodes send. */
const readASecond = 10_000

export interface NudgesModules {
  readonly bus: Bus
  readonly world: World
  readonly id: () => NodeId
  /** Another node that is up, as far as is known here. */
  readonly isNode: (id: NodeId) => boolean
  readonly log: Log
}

/** What two nudges have in common that are answered by one look. */
const whatOf = (from: NodeId, kind: Nudge): string => {
  if (kind === 'links') return `links ${from}`
  return kind === 'freed' ? kind : 'nodes'
}

/**
 * Nudges over a bus that may lose them, repeat them without end, or carry what is none. Whoever reaches the bus can make a node look no more
 * than some times a second at each thing: what is heard too soon after a look is one look later, and what is heard beyond
 * `readASecond` is passed over. Nothing is lost with it: nodes, facts and links are looked at with each beat, and free slots every three seconds, whatever is heard.
 */
export const createNudges = (
  onNudge: (from: NodeId, kind: Nudge) => void,
  { bus, world, id, isNode, log }: NudgesModules,
): Nudges => {
  const waiting = new Map<Nudge, Timer>()
  /** Looked at a moment ago: whether it is to be again. At most three for each node that is up. */
  const looked = new Map<string, { isDue: boolean }>()
  const second = { since: -Infinity, read: 0 }

  const isFlood = (): boolean => {
    if (world.elapsed() - second.since >= 1_000) Object.assign(second, { since: world.elapsed(), read: 0 })
    if (++second.read === readASecond + 1)
      log.warn('more is said on the bus than nodes say; the rest of it is passed over', {})
    return second.read > readASecond
  }

  const hear = (from: NodeId, kind: Nudge): void => {
    const what = whatOf(from, kind)
    const before = looked.get(what)
    if (before !== undefined) {
      before.isDue = true
      return
    }
    const again = { isDue: false }
    looked.set(what, again)
    world.after(againMs[kind], () => {
      looked.delete(what)
      if (again.isDue) hear(from, kind)
    })
    onNudge(from, kind)
  }

  const read = (text: string): z.output<typeof nudgeSchema> | undefined => {
    if (text.length > maxBusBytes) return undefined
    try {
      return nudgeSchema.parse(JSON.parse(text))
    } catch {
      return undefined
    }
  }
  bus.subscribe((text) => {
    if (isFlood()) return
    const nudge = read(text)
    if (nudge === undefined) log.debug('heard what is no nudge', { length: text.length })
    else if (nudge.from !== id()) hear(nudge.from, isNode(nudge.from) ? nudge.kind : 'nodes')
  })
  const sendNow = (kind: Nudge): void => bus.publish(toJson({ from: id(), kind }))

  return {
    sendNow,
    send: (kind) => {
      if (waiting.has(kind)) return
      waiting.set(
        kind,
        world.after(togetherMs[kind], () => {
          waiting.delete(kind)
          sendNow(kind)
        }),
      )
    },
  }
}
