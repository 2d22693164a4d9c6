import type { Context } from 'hono'

/** IPv6 is given out in networks of 64 bits: whoever has one address has them all. */
const networkGroups = 4

/** The network of an address of the Internet, which is one caller as far as can be told: the address, or of IPv6 its first 64 bits. */
export const networkOf = (address: string): string => {
  if (!address.includes(':')) return address
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1)
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].slice(0, networkGroups).join(':')
}

/** Where a call comes from; `undefined` where it came over no socket. */
export const callerNetwork = (context: Context): string | undefined => {
  const { incoming } = (context.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } }
  const address = incoming?.socket?.remoteAddress
  return address === undefined ? undefined : networkOf(address)
}
