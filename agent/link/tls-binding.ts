import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { digestBytes, tlsExporterLabel, toHex, type LinkHello } from '@muster/protocol'

/** Digest of key material that both ends of this TLS session can export and nobody else; empty without TLS. */
export const tlsBindingOf = (socket: Duplex): LinkHello['tlsBinding'] =>
  socket instanceof TLSSocket
    ? toHex(digestBytes(socket.exportKeyingMaterial(32, tlsExporterLabel, Buffer.alloc(0))))
    : ''
