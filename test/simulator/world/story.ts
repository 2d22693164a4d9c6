import { hashText } from './random.ts'

/** What happened in a run, in order: the trace that two runs of one seed share. */
export interface Story {
  tell(who: string, what: string): void
  /** The last lines, oldest first; all of them where all are kept. */
  lines(): readonly string[]
  /** Hash of every line and everything mixed in. */
  hash(): string
  mix(bytes: Uint8Array): void
}

const keptLines = 400

export const createStory = (now: () => number, keepsAll: boolean): Story => {
  let lines: string[] = []
  let hash = 0
  return {
    tell: (who, what) => {
      const line = `${now().toFixed(3)} ${who} ${what}`
      hash = hashText(line, hash)
      lines.push(line)
      if (!keepsAll && lines.length > 2 * keptLines) lines = lines.slice(-keptLines)
    },
    lines: () => (keepsAll ? lines : lines.slice(-keptLines)),
    hash: () => hash.toString(16).padStart(8, '0'),
    mix: (bytes) => {
      for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
    },
  }
}
