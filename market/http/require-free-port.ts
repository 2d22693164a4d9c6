import { once } from 'node:events'
import { createServer } from 'node:net'
import { MusterError } from '@muster/protocol'

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken; stop what listens there, or choose another with --port',
  EACCES: 'needs rights that this user does not have; choose another with --port',
  EADDRNOTAVAIL: 'is no address of this machine; choose another with --host',
  ENOTFOUND: 'is no address of this machine; choose another with --host',
}

/** Throws `unavailable`, with what to do, where nothing can listen at this port now; 0 stands for any that is free. */
export const requireFreePort = async (host: string, port: number): Promise<void> => {
  const probe = createServer()
  try {
    probe.listen(port, host)
    await once(probe, 'listening')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const reason = reasons[code] ?? `cannot be listened at (${code === '' ? String(cause) : code})`
    throw new MusterError({
      code: 'unavailable',
      message: `Port ${port} of ${host} ${reason}.`,
      facts: { host, port },
      fault: 'machine',
      retry: 'never',
      cause,
    })
  }
  probe.close()
  await once(probe, 'close')
}
