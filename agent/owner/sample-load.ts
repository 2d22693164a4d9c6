import { readdir, readFile } from 'node:fs/promises'
import os from 'node:os'
import type { SampleLoad } from './watch-owner.ts'

/** Processor time in milliseconds, since some fixed moment. */
interface Times {
  readonly total: number
  readonly idle: number
  readonly own: number
}

interface ProcessTimes {
  readonly parent: number
  readonly ms: number
}

/** Linux counts in hundredths of a second, whatever the kernel's own tick is. */
const msPerTick = 10

/** Parent and processor time (its own and that of children it has waited for) from a line of `/proc/<pid>/stat`. */
export const parseStat = (line: string): ProcessTimes | undefined => {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [parent, ...ticks] = [1, 11, 12, 13, 14].map((index) => Number(fields[index] ?? Number.NaN))
  const ms = ticks.reduce((sum, count) => sum + count, 0) * msPerTick
  return parent === undefined || Number.isNaN(parent + ms) ? undefined : { parent, ms }
}

/** Processor time of a process and all below it. */
export const sumTree = (root: number, processes: ReadonlyMap<number, ProcessTimes>): number => {
  const children = new Map<number, number[]>()
  for (const [pid, { parent }] of processes) children.set(parent, [...(children.get(parent) ?? []), pid])
  const waiting = [root]
  const seen = new Set<number>()
  let sum = 0
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (seen.has(pid)) continue
    seen.add(pid)
    sum += processes.get(pid)?.ms ?? 0
    waiting.push(...(children.get(pid) ?? []))
  }
  return sum
}

const readOwn = async (): Promise<number> => {
  if (process.platform !== 'linux') {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  const processes = new Map<number, ProcessTimes>()
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const times = parseStat(line)
    if (times !== undefined) processes.set(pid, times)
  }
  return sumTree(process.pid, processes)
}

const readTimes = async (): Promise<Times> => {
  const own = await readOwn()
  let total = 0
  let idle = 0
  for (const { times } of os.cpus()) {
    total += times.user + times.nice + times.sys + times.idle + times.irq
    idle += times.idle
  }
  return { total, idle, own }
}

/** Share of the machine's processors that others used between two readings. */
export const othersShare = (before: Times, after: Times): number | undefined => {
  const total = after.total - before.total
  if (total <= 0) return undefined
  const others = total - (after.idle - before.idle) - Math.max(0, after.own - before.own)
  return Math.min(1, Math.max(0, others / total))
}

/** Samples what others than this process and its children use of the machine's processors. The first answer is `undefined`. */
export const createLoadSampler = (read: () => Promise<Times> = readTimes): SampleLoad => {
  let before: Times | null = null
  return async () => {
    const after = await read()
    const share = before === null ? undefined : othersShare(before, after)
    before = after
    return share
  }
}
