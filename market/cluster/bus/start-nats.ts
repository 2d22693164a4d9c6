import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createServer, connect, type AddressInfo } from 'node:net'
import { sleep, systemWorld } from '@muster/protocol'

/** A nats-server for a test or a benchmark. */
export interface StartedNats {
  readonly url: string
  stop(): Promise<void>
  /** Starts it again where it was. */
  again(): Promise<void>
}

const command = 'nats-server'

/** Whether there is a nats-server on this machine. */
export const hasNats = (): boolean => spawnSync(command, ['--version']).status === 0

export const howToGetNats = 'no nats-server here: install it (Debian: apt install nats-server) to run this'

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (is: boolean) => () => {
      socket.destroy()
      resolve(is)
    }
    socket.once('data', end(true))
    socket.once('error', end(false))
  })

export const startNats = async (): Promise<StartedNats> => {
  const port = await freePort()
  let child: ChildProcess | undefined
  const again = async (): Promise<void> => {
    child = spawn(command, ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`)
      await sleep(systemWorld, 20)
    }
  }
  const stop = async (): Promise<void> => {
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null) return
    const gone = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill('SIGKILL')
    await gone
  }
  await again()
  return { url: `nats://127.0.0.1:${port}`, again, stop }
}
