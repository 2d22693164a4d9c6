import type { World } from '@muster/protocol'
import { openMemoryJournal } from '../journal/memory/open-journal.ts'
import type { Journal } from '../journal/journal.ts'

export interface SlowJournal extends Journal {
  /** Loses every commit that has not resolved, as a crash would; their callers never hear of it. */
  crash(): void
}

/** A journal whose commits take `delayMs` to become durable, in order. */
export const openSlowJournal = (world: World, delayMs: number): SlowJournal => {
  const inner = openMemoryJournal()
  let crashes = 0
  return {
    ...inner,
    crash: () => void crashes++,
    commit: (changes) =>
      new Promise((resolve, reject) => {
        const before = crashes
        world.after(delayMs, () => {
          if (crashes === before) inner.commit(changes).then(resolve, reject)
        })
      }),
  }
}
