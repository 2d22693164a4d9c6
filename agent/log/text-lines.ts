const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** A log line for a person at a terminal: time of day, level, sentence, fields. What is no JSON object stays as it is. */
export const textLine = (line: string): string => {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return line
  }
  if (typeof parsed !== 'object' || parsed === null) return line
  const { time, level, msg, ...fields } = parsed as Record<string, unknown>
  const facts = Object.entries(fields).map(([name, value]) => `  ${name}=${plain(value)}`)
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(msg)}${facts.join('')}`
}
