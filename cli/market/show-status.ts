import { nodeUrls, type MarketStatus } from '@muster/protocol'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatBytes } from '../format/format-bytes.ts'
import { formatDuration } from '../format/format-duration.ts'
import { formatAge } from '../format/format-time.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import { renderTable } from '../terminal/render-table.ts'
import type { Style } from '../terminal/style.ts'
import { connectAdmin } from './admin-call.ts'

const lowDiskShare = 0.1
const slowMs = 1_000

const sayAudit = ({ audit, now }: MarketStatus, style: Style): string => {
  if (audit === null) return style.dim('none since this node was started; run: muster ledger audit')
  const when = formatAge(audit.at, now)
  return audit.ok
    ? `${style.green('sound')}, ${audit.checked} things checked, ${when}`
    : style.red(`${audit.faults} faults, ${when}; run: muster ledger audit`)
}

const sayDisk = ({ disk }: MarketStatus, style: Style): string => {
  if (disk === null) return style.dim('not known')
  const text = `${formatBytes(disk.freeBytes)} of ${formatBytes(disk.totalBytes)} free`
  return disk.freeBytes < lowDiskShare * disk.totalBytes ? style.red(text) : text
}

const sayStore = ({ store }: MarketStatus, style: Style): string => {
  const lag = `${formatDuration(store.lagMs)} behind at most`
  return [
    store.bytes === null ? 'size not known' : formatBytes(store.bytes),
    `answers in ${formatDuration(store.pingMs)}`,
    `${store.commitsPerSecond} commits/s`,
    store.lagMs > slowMs ? style.red(lag) : lag,
    ...(store.pendingCommits > 0 ? [`${store.pendingCommits} pending`] : []),
  ].join(', ')
}

const showNodes = ({ nodes, bus, now }: MarketStatus, style: Style): string => {
  if (bus === null) return ''
  const rows = nodes.map(({ name, url, isThis, answers, version, startedAt, links, jobs }) => [
    isThis ? style.bold(name) : name,
    isThis ? 'this one' : answers ? style.green('answers') : style.red('does not answer'),
    url ?? '',
    version,
    formatAge(startedAt, now),
    String(links),
    String(jobs),
  ])
  const columns = [
    { title: 'node' },
    { title: '' },
    { title: 'for other nodes' },
    { title: 'version' },
    { title: 'started' },
    { title: 'links', align: 'right' as const },
    { title: 'jobs', align: 'right' as const },
  ]
  const trouble = bus ? '' : `${style.red('NATS is away')}: nodes look at each other once a second meanwhile\n`
  return `\n${renderTable(columns, rows, { style })}${trouble}`
}

const factsOf = (status: MarketStatus, url: string, style: Style): (readonly [string, string])[] => {
  const { jobs, draining, blobs, now } = status
  return [
    ['market', `${style.bold(status.market)} ${style.dim(`chain ${status.chainId}`)}`],
    ['asked at', nodeUrls(url).join('\n')],
    ['node', `process ${status.processId}, ${formatBytes(status.memoryBytes)} of memory`],
    ['version', status.version],
    ['up', formatDuration(status.uptimeMs)],
    [
      'takes jobs',
      draining === null
        ? style.green('yes')
        : style.yellow(`no, draining since ${formatAge(draining.since, now)} (${draining.by}): ${draining.reason}`),
    ],
    ['links', `${status.links} agent${status.links === 1 ? '' : 's'}`],
    ['jobs', `${jobs.active} active; tasks: ${jobs.runningTasks} running, ${jobs.waitingTasks} waiting`],
    ['store', sayStore(status, style)],
    ['blobs', `${blobs.count}, ${formatBytes(blobs.bytes)}`],
    ['disk', sayDisk(status, style)],
    ['ledger', sayAudit(status, style)],
    ['denied', status.denials === 0 ? 'nobody' : `${status.denials}; see: muster market denials`],
  ]
}

/** `muster market status` */
export const showStatus = async (session: Session): Promise<number> => {
  const muster = await connectAdmin(session)
  const status = await muster.call('marketStatus', {}, { signal: session.signal })
  const { style } = session
  session.print(
    status,
    () => `${renderFacts(factsOf(status, muster.url, style), { style })}${showNodes(status, style)}`,
  )
  return exitCodes.ok
}
