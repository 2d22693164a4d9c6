import { toProblem, MusterError, type Log, type Maintenance, type World } from '@muster/protocol'

export interface FollowMaintenanceModules {
  readonly world: World
  readonly log: Log
  readonly read: () => Promise<readonly Maintenance[]>
  readonly maintain: (windows: readonly Maintenance[]) => void
}

const everyMs = 1_000

const sayTime = (at: number): string => new Date(at).toISOString()
const sayWindow = ({ from, until }: Maintenance): string => `${sayTime(from)}/${sayTime(until)}`

/** Takes what the file of maintenance says, now and whenever it changes. One that cannot be used changes nothing. Gives what ends that. */
export const followMaintenance = ({ world, log, read, maintain }: FollowMaintenanceModules): (() => void) => {
  let isStopped = false
  let before = '[]'
  let problem = ''

  const look = async (): Promise<void> => {
    try {
      const windows = await read()
      const found = JSON.stringify(windows)
      if (!isStopped && found !== before) {
        if (windows.length === 0) log.info('no maintenance is announced any more')
        else log.info('maintenance is announced', { windows: windows.map(sayWindow) })
        maintain(windows)
      }
      before = found
      problem = ''
    } catch (error) {
      const found = error instanceof MusterError ? toProblem(error).message : String(error)
      if (found !== problem)
        log.error('the file of maintenance cannot be used; what was announced before stays', { error })
      problem = found
    }
    if (!isStopped) world.after(everyMs, () => void look())
  }
  void look()
  return () => {
    isStopped = true
  }
}
