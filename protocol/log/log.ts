import { toJson } from '../api/json.ts'
import type { World } from '../world/world.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, unknown>>

/** Structured log lines: a level, a sentence, labelled fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log whose lines all carry these fields. */
  with(fields: LogFields): Log
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
const secretName = /key|secret|token|password|authorization|signature/i

const printable = (name: string, value: unknown): unknown => {
  if (secretName.test(name)) return '[redacted]'
  if (value instanceof Error)
    return { name: value.name, message: value.message, ...('code' in value ? { code: value.code } : {}) }
  return value
}

/** A log that writes one JSON object a line; fields whose name speaks of a secret are redacted. */
export const createLog = (write: (line: string) => void, world: World, least: LogLevel = 'info'): Log => {
  const make = (bound: LogFields): Log => {
    const at =
      (level: LogLevel) =>
      (message: string, fields: LogFields = {}) => {
        if (levels.indexOf(level) < levels.indexOf(least)) return
        const entries = Object.entries({ ...bound, ...fields }).map(([name, value]) => [name, printable(name, value)])
        write(
          toJson({ time: new Date(world.now()).toISOString(), level, msg: message, ...Object.fromEntries(entries) }),
        )
      }
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: (fields) => make({ ...bound, ...fields }),
    }
  }
  return make({})
}

/** A log that says nothing, for tests and simulations. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
}
