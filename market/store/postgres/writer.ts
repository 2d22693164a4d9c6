import { MusterError, sleep, type Log, type World } from '@muster/protocol'
import { checkCommit } from '../check-commit.ts'
import { stayAwake } from '../stay-awake.ts'
import type { EncodedCommit } from '../encode-commit.ts'
import type { Sql } from './connection.ts'
import { withDeadline } from './deadline.ts'
import { loadFacts } from './load-facts.ts'
import { mergeCommits } from './merge-commits.ts'
import { databaseUnavailable, meaningOf, toStoreError } from './store-error.ts'
import { writeGroup } from './write-group.ts'

/** Writes groups of commits, one at a time. */
export interface Writer {
  /**
   * Resolves once the group is durable. Rejects with a refusal of the database, which says nothing of which commit it
   * means, or with an error of Muster that holds for the whole group.
   */
  write(group: readonly EncodedCommit[]): Promise<void>
  /** Why a commit that was refused alone was refused, or `undefined` where nothing stands against it any more. */
  explain(commit: EncodedCommit): Promise<MusterError | undefined>
  close(): Promise<void>
}

export interface WriterModules {
  readonly world: World
  readonly log: Log
  /** Tells this store from the others on the database. */
  readonly id: string
  /** What the server says is wrong with it while it is away. */
  readonly trouble: () => MusterError | undefined
}

/** How long a group waits for a database that went away before it fails. */
const patienceMs = 10_000
const pauseMs = 25
const maxRaces = 10

/**
 * The connection may break while a statement is under way, and then nobody can tell whether it was committed. Each
 * group therefore leaves a number in the row of its writer. To find out, the writer raises the fence of its row, which
 * waits for a transaction that still holds the row and makes one that has yet to begin fail, and reads the number.
 */
export const createWriter = (open: () => Sql, { world, log, id, trouble }: WriterModules): Writer => {
  let sql = open()
  let number = 0
  let fence = 0
  let known = false
  let down = false

  /** Brings the row of the writer and this memory of it together: the number of the last group that was committed. */
  const settle = async (): Promise<number> => {
    const raised = sql<[{ number: string; fence: string }]>`
      INSERT INTO writer (id, number, fence, at) VALUES (${id}, 0, ${fence + 1}, ${world.now()})
      ON CONFLICT (id) DO UPDATE SET fence = writer.fence + 1, at = EXCLUDED.at
      RETURNING number, fence`
    const [row] = await withDeadline(world, patienceMs, raised)
    fence = Number(row.fence)
    known = true
    down = false
    return Number(row.number)
  }

  const write = async (group: readonly EncodedCommit[]): Promise<void> => {
    const merged = mergeCommits(group)
    const start = world.elapsed()
    let outcome: 'nothing written' | 'unknown' = 'nothing written'
    const next = number + 1
    for (let races = 0; ;) {
      try {
        if (!known) {
          const found = await settle()
          if (outcome === 'unknown' && found === next) {
            number = next
            return
          }
          outcome = 'nothing written'
        }
        await withDeadline(world, patienceMs, writeGroup(sql, merged, { id, number: next, fence, at: world.now() }))
        number = next
        return
      } catch (error) {
        const meaning = meaningOf(error)
        if (meaning === 'refused') throw error
        if (meaning === 'rolled-back' || (meaning === 'raced' && ++races >= maxRaces)) throw toStoreError(error)
        if (known && meaning === 'unknown') outcome = 'unknown'
        known = false
        if (meaning === 'raced') continue
        // A client that waits for a connection cannot be called off; a new one knows nothing of the old one's troubles.
        sql.end({ timeout: 0 }).catch(() => {})
        sql = open()
        if (down || world.elapsed() - start > patienceMs) {
          down = true
          number = next
          throw databaseUnavailable(trouble() ?? error, outcome)
        }
        log.warn('the connection to the database broke; finding out what became of a group', { error })
        const rest = stayAwake()
        await sleep(world, pauseMs)
        rest()
      }
    }
  }

  return {
    write,
    explain: async (commit) => {
      try {
        return checkCommit(commit, await loadFacts(sql, commit))
      } catch (error) {
        const mapped = toStoreError(error)
        return mapped instanceof MusterError ? mapped : undefined
      }
    },
    close: async () => {
      if (known) await sql`DELETE FROM writer WHERE id = ${id}`.catch(() => {})
      await sql.end({ timeout: 5 })
    },
  }
}
