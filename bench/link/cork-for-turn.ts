import type { WebSocket } from 'ws'

/** `ws` at its best: what is sent in one turn leaves in one write. */
export const corkForTurn = (socket: WebSocket): ((data: Uint8Array) => void) => {
  let isCorked = false
  return (data) => {
    if (!isCorked) {
      isCorked = true
      socket._socket.cork()
      setImmediate(() => {
        isCorked = false
        socket._socket.uncork()
      })
    }
    socket.send(data)
  }
}
