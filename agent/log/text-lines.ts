import { printable } from './printable.ts'

const plain = (value: unknown): string => printable(typeof value === 'string' ? value : JSON.stringify(value))

/** A log line for a person at a terminal: time of day, level, sentence, fields. What is no JSON object stays as it is. Nothing in it steers the terminal. */
export const textLine = (line: string): string => {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return printable(line)
  }
  if (typeof parsed !== 'object' || parsed === null) return printable(line)
  const { time, level, msg, ...fields } = parsed as Record<string, unknown>
  const facts = Object.entries(fields).map(([name, value]) => `  ${printable(name)}=${plain(value)}`)
  return `${plain(time).slice(11, 23)} ${plain(level).padEnd(5)} ${plain(msg)}${facts.join('')}`
}
