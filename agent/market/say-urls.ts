import { nodeUrls } from '@muster/protocol'
import { printable } from '../log/printable.ts'

/** The URL of a market, for a table; of several nodes the first, and how many more there are. */
export const sayUrls = (url: string): string => {
  const [first = url, ...more] = nodeUrls(url)
  return more.length === 0 ? printable(url) : `${printable(first)} and ${more.length} more`
}
