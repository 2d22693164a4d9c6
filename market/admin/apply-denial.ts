import type { Address, Job, Lease, World } from '@muster/protocol'
import { attemptsOf } from '../attempt/attempts-of.ts'
import type { Draft } from '../job/draft.ts'
import type { JobActor } from '../job/job-actor.ts'
import type { Jobs } from '../job/jobs.ts'
import { loseLease } from '../lease/lose-lease.ts'
import type { Denial } from '../store/admin-store.ts'

export interface ApplyDenialModules {
  readonly world: World
  readonly jobs: Jobs
  /** Where the provider offers slots now, as far as it is linked here. */
  readonly regionsOf: (provider: Address) => ReadonlySet<string>
}

export interface DenialEffect {
  /** Whose waiting tasks were given up, or whose running ones were stopped. */
  readonly jobs: number
  /** That were ended. */
  readonly leases: number
}

const isOfJob = ({ kind, subject }: Denial, job: Job): boolean =>
  kind === 'tenant' ? job.tenant === subject : kind === 'program' && job.spec.program === subject

const stopAttempts = (draft: Draft): void => {
  if (draft.job.closed !== null) return
  const attempts = [...draft.job.leases.keys()].flatMap((lease) => attemptsOf(draft.job, lease))
  if (attempts.length > 0) draft.emit({ type: 'cancelled-attempts', at: draft.now, attempts })
}

const settleAll = async (steps: readonly Promise<unknown>[]): Promise<void> => {
  const settled = await Promise.allSettled(steps)
  for (const each of settled) if (each.status === 'rejected') throw each.reason
}

/**
 * What a denial does to what is under way. The waiting tasks of a tenant or a program are given up by the turn that
 * follows. With `stopped`, their running attempts are stopped, and the leases of a provider or a region are ended, so that
 * their tasks go to others. Every job is tried before it rejects.
 */
export const applyDenial = async (denial: Denial, modules: ApplyDenialModules): Promise<DenialEffect> => {
  const { world, jobs, regionsOf } = modules
  const isDenied = ({ provider, sold }: Lease): boolean =>
    denial.kind === 'provider'
      ? provider === denial.subject
      : denial.kind === 'region' && (sold?.region === denial.subject || regionsOf(provider).has(denial.subject))

  const steps: Promise<unknown>[] = []
  const touched = new Set<JobActor>()
  let leases = 0
  for (const actor of jobs.all()) {
    const job = actor.peek()
    if (job === undefined || job.closed !== null) continue
    if (isOfJob(denial, job)) {
      touched.add(actor)
      steps.push(actor.step(denial.stopped ? stopAttempts : () => {}))
      continue
    }
    if (!denial.stopped) continue
    const ended = [...job.leases.values()].filter(({ phase, lease }) => phase !== 'closed' && isDenied(lease.record))
    if (ended.length === 0) continue
    touched.add(actor)
    leases += ended.length
    steps.push(
      actor.step((draft) => {
        if (draft.job.closed !== null) return
        for (const { lease } of ended) loseLease(draft, lease.record.id, 'refused', world)
      }),
    )
  }
  await settleAll(steps)
  return { jobs: touched.size, leases }
}
