declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { Socket } from 'node:net'

  /** What the benchmark uses of `ws`, which ships no types. */
  export class WebSocket extends EventEmitter {
    readonly _socket: Socket
    constructor(url: string, options?: { perMessageDeflate?: boolean })
    send(data: Uint8Array): void
    close(): void
  }
  export class WebSocketServer extends EventEmitter {
    constructor(options: { port: number; host: string; perMessageDeflate?: boolean })
    address(): { port: number }
  }
}
