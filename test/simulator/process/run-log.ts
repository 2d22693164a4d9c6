import { MusterError, type Log, type LogFields } from '@muster/protocol'
import type { Run } from './run.ts'

const shown = (value: unknown): string => {
  if (value instanceof MusterError) return `${value.code} (${value.message})`
  if (value instanceof Error) return value.stack ?? String(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A program's log as part of the story. What it logs as an error is a violation, unless it is excused. */
export const createRunLog = (
  who: string,
  isAlive: () => boolean,
  isExcused: () => boolean,
  { story, violations, isTold }: Pick<Run, 'story' | 'violations' | 'isTold'>,
): Log => {
  const say =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      if (!isAlive() || (!isTold && level !== 'error')) return
      const facts = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`)
      story.tell(who, [message, ...facts].join(' '))
      if (level === 'error' && !isExcused())
        violations.report('nothing-unexpected', `${who}: ${[message, ...facts].join(' ')}`)
    }
  const log: Log = { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error'), with: () => log }
  return log
}
