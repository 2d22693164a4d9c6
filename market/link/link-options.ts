import type { Address, LinkLimits } from '@muster/protocol'

export interface LinkServerOptions {
  readonly market: Address
  readonly chainId: number
  /**
   * TLS ends at a proxy in front of this node, so a hello may bind a TLS session this node cannot see.
   * The proxy must then keep both sockets of an agent on one node.
   */
  readonly behindTlsProxy?: boolean
  /** Agents linked or linking at a time. */
  readonly maxLinks?: number
  /** Upgrade requests being checked at a time. */
  readonly maxHandshakes?: number
  readonly limits?: Partial<LinkLimits>
}

/** Where the link says what it refused and why. */
export interface LinkLog {
  info(message: string, facts: Readonly<Record<string, unknown>>): void
  warn(message: string, facts: Readonly<Record<string, unknown>>): void
}

export const silentLog: LinkLog = { info: () => {}, warn: () => {} }
