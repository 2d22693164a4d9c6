import {
  bondAccount,
  countAttempts,
  encodeCanonical,
  escrowAccount,
  replayJob,
  snapshotJob,
  taskPhase,
  type Address,
  type Job,
} from '@muster/protocol'
import { reservableSlots } from '../../../agent/market/market-record.ts'
import { decodeEvents } from '../../../market/journal/encode-events.ts'
import { paidTwice, unreconciled } from '../../../market/store/memory/reads.ts'
import { checkAuctions } from './check-auctions.ts'
import type { AgentProcess } from '../process/agent-process.ts'
import type { MarketNode } from '../process/market-node.ts'
import type { Run } from '../process/run.ts'
import type { TenantJob } from '../process/tenant.ts'

export interface EndOfRun {
  readonly run: Run
  readonly node: MarketNode
  readonly agents: ReadonlyMap<Address, AgentProcess>
  readonly jobs: readonly TenantJob[]
  /** Who claims what it never ran, and calls failed what it holds. */
  readonly rogues: ReadonlySet<Address>
}

const maxLosses = 10

/** What must hold of the tasks of a closed job. Where machines are lost all the time, a task may be given up for that. */
export const checkTasks = (
  job: Job,
  { plan, spec }: Pick<TenantJob, 'plan' | 'spec'>,
  { run, rogues, isStormy = false }: Pick<EndOfRun, 'run' | 'rogues'> & { readonly isStormy?: boolean },
): void => {
  const wrong = (message: string) => run.violations.report('task-accounted-for', `${plan.name} ${message}`)
  const isRogue = (provider: Address | undefined) => provider !== undefined && rogues.has(provider)
  for (const [index, task] of job.tasks.entries()) {
    const phase = taskPhase(task)
    const id = `task ${index}`
    if (phase === 'waiting' || phase === 'running' || phase === 'accepted') wrong(`closed while ${id} is ${phase}`)
    if (phase === 'cancelled' && !job.cancelRequested) wrong(`withdrew ${id} and nobody had asked for it`)
    if (phase !== 'abandoned') continue
    const excused = job.excused.get(index) ?? 0
    const failures = countAttempts(task, 'failed') - excused
    const losses = countAttempts(task, 'lost') + excused
    if (failures < spec.limits.maxFailures && losses < maxLosses)
      wrong(`gave up ${id} after ${failures} failures and ${losses} losses`)
    const isSpoilt = task.attempts.some(
      ({ phase: ended, lease }) => ended === 'failed' && isRogue(job.leases.get(lease)?.provider),
    )
    if (plan.program.kind === 'sound' && !isSpoilt && !(isStormy && losses >= maxLosses))
      wrong(
        `gave up ${id}, whose program is sound, after ${failures} failures and ${losses} losses: ${job.problems.get(index)?.message}`,
      )
  }
  const { counts } = job
  const expected = counts.abandoned > 0 ? 'failed' : counts.cancelled > 0 ? 'cancelled' : 'succeeded'
  if (job.closed !== expected) wrong(`closed as ${job.closed}, not ${expected}`)
  if (counts.final > 0 && plan.program.kind === 'failing' && rogues.size === 0)
    wrong(`has a result of a program that always fails`)
}

const checkJobs = (end: EndOfRun): void => {
  const { run, jobs } = end
  for (const tenantJob of jobs) {
    const job = run.jobs.jobs.get(tenantJob.id)
    if (job === undefined) {
      run.violations.report('job-closes', `${tenantJob.plan.name} was never taken`)
      continue
    }
    if (job.closed === null) {
      const { waiting, running } = job.counts
      run.violations.report(
        'job-closes',
        `${tenantJob.plan.name} is open: ${waiting} tasks waiting, ${running} running`,
      )
    } else checkTasks(job, tenantJob, end)
  }
  if (run.jobs.jobs.size > jobs.length) run.violations.report('submitted-once', `there are ${run.jobs.jobs.size} jobs`)
}

const checkReceipts = ({ run, node }: EndOfRun): void => {
  const wrong = (message: string) => run.violations.report('receipt-matches-work', message)
  let finals = 0
  for (const job of run.jobs.jobs.values()) finals += job.counts.final
  let receipts = 0
  for (const { count } of node.disk.batches.values()) receipts += count
  if (receipts !== finals) wrong(`${receipts} receipts for ${finals} results`)
  for (const { attempt, receipts: ids } of paidTwice(node.disk)) wrong(`${attempt} is paid by ${ids.join(' and ')}`)
}

const checkWork = ({ run, agents }: EndOfRun): void => {
  const paid = run.jobs.receipts
  for (const [attempt, provider] of run.runs.done) {
    const process = agents.get(provider)
    if (!run.jobs.attempts.has(attempt)) continue
    if (paid.has(attempt) || process === undefined || process.isGone()) continue
    const [, index, fence] = attempt.split('.')
    const job = run.jobs.jobs.get(attempt.slice(0, attempt.indexOf('.')) as Job['id'])
    const phase = job?.tasks[Number(index)]?.attempts.find((state) => state.fence === Number(fence))?.phase
    if (phase === undefined || phase === 'running' || phase === 'claimed')
      run.violations.report('work-paid-or-refused', `${attempt} was done by ${process.plan.name} and is ${phase}`)
  }
}

const checkLedger = ({ run, node }: EndOfRun): void => {
  const wrong = (message: string) => run.violations.report('ledger-balances', message)
  for (const { entry, paid, receipted } of unreconciled(node.disk))
    wrong(`the payment ${entry} is ${paid}, its receipts are ${receipted}`)
  checkBalances(run, node)
  for (const job of run.jobs.jobs.values()) if (job.closed !== null) checkEmpty(job, run)
}

/** That every balance is what its entries sum to, and all of them together nothing. */
export const checkBalances = (run: Run, node: MarketNode): void => {
  const wrong = (message: string) => run.violations.report('ledger-balances', message)
  let total = 0n
  for (const [account, balance] of node.disk.balances) {
    total += balance
    const added = run.ledger.balances.get(account) ?? 0n
    if (balance !== added) wrong(`${account} is at ${balance}, and its entries sum to ${added}`)
  }
  if (total !== 0n) wrong(`all accounts sum to ${total}`)
}

/** That nothing is left in the accounts of a closed job. */
export const checkEmpty = (job: Job, run: Run): void => {
  const wrong = (message: string) => run.violations.report('ledger-balances', message)
  const escrow = run.ledger.balances.get(escrowAccount(job.id)) ?? 0n
  if (escrow !== 0n) wrong(`the escrow of ${job.id}, which is closed, holds ${escrow}`)
  for (const lease of job.leases.keys()) {
    const bond = run.ledger.balances.get(bondAccount(lease)) ?? 0n
    if (bond !== 0n) wrong(`the bond of ${lease}, which is closed, holds ${bond}`)
  }
}

/** Slots are offered once for each of these, and are the same slots. */
const runtimes = ['noop', 'graph'] as const

export const checkSlots = ({ run, node, agents }: Pick<EndOfRun, 'run' | 'node' | 'agents'>): void => {
  const wrong = (message: string) => run.violations.report('slots-come-back', message)
  const supplies = node.markets().map(({ modules }) => modules.supply)
  const supplyOf = new Map(
    supplies.flatMap((each) => [...each.peers()].map(({ provider }) => [provider, each] as const)),
  )
  const offers = Map.groupBy(
    supplies.flatMap((each) => [...each.free()]),
    ({ record }) => record.provider,
  )
  for (const { plan, provider, agent, skewMs } of agents.values()) {
    const status = agent()?.status()
    if (status === undefined || status.lifecycle !== 'running') continue
    if (status.attempts.length > 0)
      wrong(`${plan.name} still holds ${status.attempts.map(({ id, phase }) => `${id} ${phase}`).join(', ')}`)
    if (status.leases.length > 0) wrong(`${plan.name} still holds ${status.leases.join(', ')}`)
    if (status.reservations > 0) wrong(`${plan.name} still holds ${status.reservations} reservations`)
    if (status.free.cpuMilli !== status.total.cpuMilli)
      wrong(`${plan.name} has ${status.free.cpuMilli} milli-cores free`)
    if (Math.abs(skewMs()) > 58_000 || supplies.length === 0) continue
    const supply = supplyOf.get(provider)
    if (supply === undefined) {
      wrong(`${plan.name} is not linked`)
      continue
    }
    const offered = offers.get(provider) ?? []
    const slots = (plan.runtimes ?? runtimes).map((runtime) =>
      offered
        .filter(({ record }) => record.runtimes.includes(runtime))
        .reduce((sum, offer) => sum + supply.freeSlots(offer), 0),
    )
    const own = status.markets.find(({ market }) => market === node.address)
    const linked = status.markets.filter(({ phase }) => phase === 'linked').length
    if (own === undefined || (linked > 1 && own.record.restsUntil > 0)) continue
    const expected = reservableSlots(plan.slots, linked, own.record, null)
    if (slots.some((free) => free !== expected))
      wrong(`${plan.name} has ${expected} slots free for any runtime and ${run.market} sees ${slots.join(' and ')}`)
  }
}

/** That the journal of a job says what was seen of it. */
export const checkJournal = (id: Job['id'], job: Job, { run, node }: Pick<EndOfRun, 'run' | 'node'>): void => {
  const events = (node.disk.journal.get(id) ?? []).flatMap(({ version, events: bytes }) => decodeEvents(version, bytes))
  const replayed = replayJob(events.map(({ event }) => event))
  if (
    replayed === undefined ||
    Buffer.compare(encodeCanonical(snapshotJob(replayed)), encodeCanonical(snapshotJob(job))) !== 0
  )
    run.violations.report('journal-is-memory', `${id} replays from disk to another state`)
}

/** That the journals of agents are empty. */
export const checkAgentJournals = async ({ run, agents }: Pick<EndOfRun, 'run' | 'agents'>): Promise<void> => {
  for (const { plan, journal, agent, hadFullDisk } of agents.values()) {
    if (hadFullDisk() || agent()?.status().lifecycle !== 'running') continue
    const left = (await journal.load()).filter(({ kind }) => kind !== 'market')
    if (left.length > 0)
      run.violations.report(
        'slots-come-back',
        `the journal of ${plan.name} still holds ${left.map(({ kind, id }) => `${kind} ${id}`).join(', ')}`,
      )
  }
}

/** What must hold once nothing fails any more and everything had time to settle. */
export const checkEnd = async (end: EndOfRun): Promise<void> => {
  checkJobs(end)
  checkReceipts(end)
  checkWork(end)
  checkLedger(end)
  checkAuctions(end)
  checkSlots(end)
  for (const [id, job] of end.run.jobs.jobs) checkJournal(id, job, end)
  await checkAgentJournals(end)
}
