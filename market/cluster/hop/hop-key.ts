import { hkdfSync } from 'node:crypto'

/** What the nodes of a market know each other by: 32 bytes that follow from the market's key. */
export const hopKey = (marketSecret: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', marketSecret, '', 'muster hop between nodes', 32))

/** TLS with a key both ends know: it names nobody, and only those who know the key get in. */
export const hopTls = {
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const

export const fromHeader = 'muster-node'
export const callPath = '/node/calls/'
export const blobPath = '/node/blobs/'
/** Of one request or answer. */
export const maxHopBytes = 64 * 2 ** 20
