import type { World } from '@muster/protocol'
import { openMemoryJournal } from '../journal/memory/open-journal.ts'
import type { Journal } from '../journal/journal.ts'
import type { JournalRecord } from '../journal/journal-record.ts'

export interface SlowJournal {
  /** The journal as the next process has it. */
  open(): Journal
  /** What is durable. */
  load(): Promise<JournalRecord[]>
  /** Ends the process that has it open: commits of it that have not resolved are lost, and later ones; nobody hears of them. */
  crash(): void
}

/** A journal whose commits take `delayMs` to become durable, in order, and that outlives the process that has it open. */
export const openSlowJournal = (world: World, delayMs: number): SlowJournal => {
  const inner = openMemoryJournal()
  let crashes = 0
  return {
    load: () => inner.load(),
    crash: () => void crashes++,
    open: () => {
      const opened = crashes
      return {
        ...inner,
        commit: (changes) =>
          new Promise((resolve, reject) => {
            world.after(delayMs, () => {
              if (crashes === opened) inner.commit(changes).then(resolve, reject)
            })
          }),
      }
    },
  }
}
