import type { Address, LinkLimits } from '@muster/protocol'

export interface DialerOptions {
  /** `https://…` or `http://…`; a path in it is a prefix of the market's routes. With `+` between those of several nodes. */
  readonly marketUrl: string
  readonly chainId: number
  /** The market's address, where it is known beforehand; another one is refused. */
  readonly market?: Address
  /** Certificate authorities (PEM) trusted beside those of this machine. */
  readonly ca?: readonly string[]
  readonly limits?: Partial<LinkLimits>
}

/** Where the link says what went wrong. */
export interface LinkLog {
  info(message: string, facts: Readonly<Record<string, unknown>>): void
  warn(message: string, facts: Readonly<Record<string, unknown>>): void
}

export const silentLog: LinkLog = { info: () => {}, warn: () => {} }
