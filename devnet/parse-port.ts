/** The port a flag names, 0 to 65535. Throws an `Error` with a sentence for a person. */
export const parsePort = (text: string): number => {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new Error(`--port takes a whole number from 0 to 65535, found '${text.slice(0, 40)}'.`)
}
