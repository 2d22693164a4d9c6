import { startsOf, type Address, type AgentMessage, type JobEvent, type MarketMessage } from '@muster/protocol'
import type { LedgerWatch } from '../invariant/watch-ledger.ts'
import type { JobsWatch } from '../invariant/watch-jobs.ts'
import type { Reach } from '../invariant/reach.ts'
import type { RunsWatch } from '../invariant/watch-runs.ts'
import type { Violations } from '../invariant/violations.ts'
import type { Keys } from './keys.ts'
import type { Random } from '../world/random.ts'
import type { Story } from '../world/story.ts'
import type { Timeline } from '../world/timeline.ts'

/** What all parts of one run share. */
export interface Run {
  readonly timeline: Timeline
  readonly story: Story
  /** The story tells of each message and log line; otherwise of what became durable, and who came and went. */
  readonly isTold: boolean
  readonly violations: Violations
  readonly reach: Reach
  readonly jobs: JobsWatch
  readonly ledger: LedgerWatch
  readonly runs: RunsWatch
  readonly random: Random
  readonly keys: Keys
  /** Of the market whose run this is: `market`, or that of another one. */
  readonly market: string
  nameOf(provider: Address): string
}

const shortId = (id: string): string => `${id.slice(0, 4)}${id.slice(-5)}`
const shortAttempt = (id: string): string => id.replace(/^(job_)\w*(\w{5})/, '$1$2')

/** An event of a job in a few words. */
export const describeJobEvent = (event: JobEvent): string => {
  switch (event.type) {
    case 'submitted':
      return `${shortId(event.job)} submitted with ${event.spec.tasks.length} tasks`
    case 'lease-opened':
      return `${shortId(event.lease.record.job)} lease-opened ${shortId(event.lease.record.id)} ${event.lease.record.slots} slots of ${event.lease.record.provider.slice(0, 8)}`
    case 'lease-closed':
      return `lease-closed ${shortId(event.lease)} ${event.reason}`
    case 'lease-suspected':
    case 'lease-recovered':
    case 'lease-noticed':
    case 'lease-amended':
      return `${event.type} ${shortId(event.lease)}`
    case 'dispatched':
      return `dispatched to ${shortId(event.lease)} ${event.attempts.map(({ index, fence }) => `${index}.${fence}`).join(' ')}`
    case 'failed':
      return `failed ${event.attempts.map(({ index, fence, problem }) => `${index}.${fence} (${problem.code})`).join(' ')}`
    case 'claimed':
    case 'accepted':
    case 'finalised':
    case 'overturned':
    case 'lost':
    case 'cancelled-attempts':
      return `${event.type} ${event.attempts.map(({ index, fence }) => `${index}.${fence}`).join(' ')}`
    case 'abandoned':
      return `abandoned ${event.tasks.join(' ')}: ${event.problem.message}`
    case 'withdrawn':
      return `withdrawn ${event.tasks.join(' ')}`
    case 'auctioned':
      return `auctioned, ${event.winners} of ${event.bids} bids won`
    case 'unmatched':
      return `unmatched, ${event.missing} slots`
    case 'closed':
      return `closed ${event.outcome}`
    case 'resized':
      return `resized to ${event.resize.record.slots} slots`
    case 'cancel-requested':
      return event.type
  }
}

/** A message of a link in a few words. */
export const describeMessage = (message: MarketMessage | AgentMessage): string => {
  switch (message.type) {
    case 'start':
      return `start ${message.batches
        .flatMap(startsOf)
        .map(({ attempt }) => shortAttempt(attempt))
        .join(' ')}`
    case 'cancel':
    case 'settled':
      return `${message.type} ${message.attempts.map(shortAttempt).join(' ')}`
    case 'claims':
      return `claims ${message.batches
        .flatMap(({ claims }) => claims)
        .map(({ attempt }) => shortAttempt(attempt))
        .join(' ')}`
    case 'failures':
      return `failures ${message.failures.map(({ attempt, problem }) => `${shortAttempt(attempt)} ${problem.code}`).join(' ')}`
    case 'offers':
      return `offers ${message.offers.map(({ record }) => record.slots).join(' ')}`
    case 'notice':
      return `notice ${message.leases.map(shortId).join(' ')}`
    default:
      return message.type
  }
}
