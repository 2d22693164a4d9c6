import { toJson, type Log, type Timer, type World } from '@muster/protocol'
import { z } from 'zod'
import type { NodeId } from '../store/node-store.ts'
import type { Bus } from './bus/bus.ts'

/** What others should look at now, rather than in a second: a node's links, its free slots, the market's facts, its nodes. */
const kinds = ['links', 'freed', 'facts', 'nodes'] as const
export type Nudge = (typeof kinds)[number]

const nudgeSchema = z.strictObject({ from: z.string().max(64), kind: z.enum(kinds) })
const maxTextLength = 256

export interface Nudges {
  /** Those of one kind within some milliseconds are one. */
  send(kind: Nudge): void
  sendNow(kind: Nudge): void
}

const togetherMs: Readonly<Record<Nudge, number>> = { links: 5, freed: 50, facts: 5, nodes: 5 }

/** Nudges over a bus that may lose them, or carry what is none: that is passed over. */
export const createNudges = (
  onNudge: (from: NodeId, kind: Nudge) => void,
  { bus, world, id, log }: { readonly bus: Bus; readonly world: World; readonly id: () => NodeId; readonly log: Log },
): Nudges => {
  const waiting = new Map<Nudge, Timer>()
  const read = (text: string): z.output<typeof nudgeSchema> | undefined => {
    if (text.length > maxTextLength) return undefined
    try {
      return nudgeSchema.parse(JSON.parse(text))
    } catch {
      return undefined
    }
  }
  bus.subscribe((text) => {
    const nudge = read(text)
    if (nudge === undefined) log.debug('heard what is no nudge', { length: text.length })
    else if (nudge.from !== id()) onNudge(nudge.from, nudge.kind)
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
