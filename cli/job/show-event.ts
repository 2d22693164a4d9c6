import type { TimelineEvent } from '@muster/sdk'
import { sayAmounts } from '../error/say-amounts.ts'
import { formatClock } from '../format/format-time.ts'
import type { Style } from '../terminal/style.ts'
import { padEnd, printable } from '../terminal/text-width.ts'

const bad = new Set(['lost', 'failed', 'abandoned', 'lease-suspected', 'unmatched', 'overturned'])

const paintOf = ({ type, outcome }: TimelineEvent, style: Style): ((text: string) => string) => {
  if (outcome !== undefined) return outcome === 'succeeded' ? style.green : style.red
  if (bad.has(type)) return style.yellow
  return (text) => text
}

/** Cells that the kind of an event takes on its line. */
export const eventTypeWidth = 18

/** An event of a job as one line: when, what kind, and the sentence. */
export const showEvent = (event: TimelineEvent, style: Style): string =>
  `${style.dim(formatClock(event.at))}  ${padEnd(event.type, eventTypeWidth)}  ${paintOf(event, style)(printable(sayAmounts(event.message)))}\n`
