import {
  MusterError,
  checkClaim,
  digestOf,
  liveAttempt,
  newTask,
  parseAttemptId,
  toProblem,
  type AgentPeer,
  type AttemptRef,
  type Cid,
  type ErrorCode,
  type Job,
  type JobId,
  type Log,
  type SignedClaim,
  type Verifier,
} from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'
import type { DispatchDepth } from '../lease/dispatch-depth.ts'
import type { Draft } from '../job/draft.ts'
import type { JobActor } from '../job/job-actor.ts'
import type { Jobs } from '../job/jobs.ts'
import type { PlantedBug } from '../planted-bug.ts'
import { writeReceipts, type WriteReceiptsModules } from '../receipt/write-receipts.ts'
import type { BlobRow } from '../store/store.ts'
import { failAttempts } from './fail-attempts.ts'

export interface AcceptClaimsModules extends WriteReceiptsModules {
  readonly verifier: Verifier
  readonly jobs: Jobs
  readonly blobs: BlobStore
  readonly depth: DispatchDepth
  readonly maxBlobBytes: number
  readonly log: Log
  readonly bugs: ReadonlySet<PlantedBug>
}

/** Takes a message of claims with the small outputs that came along. Never throws: what is wrong is charged to the attempt. */
export type AcceptClaims = (
  peer: AgentPeer,
  claims: readonly SignedClaim[],
  inline: readonly Uint8Array[],
) => Promise<void>

interface Checked {
  readonly claim: SignedClaim
  readonly ref: AttemptRef
}

/** What is the provider's own doing; anything else (a broken link, a full disk here) leaves the claim for the agent to repeat. */
const providerFaults: readonly ErrorCode[] = [
  'record_invalid',
  'signature_invalid',
  'blob_corrupt',
  'blob_too_large',
  'blob_missing',
]

const codeOf = (error: unknown): ErrorCode => (error instanceof MusterError ? error.code : 'internal')

export const createAcceptClaims = (modules: AcceptClaimsModules): AcceptClaims => {
  const { world, verifier, domain, jobs, blobs, depth, log, bugs } = modules

  const attemptFor = (job: Job, claim: SignedClaim): AttemptRef => {
    if (bugs.has('fenced-claim-accepted')) {
      const index = parseAttemptId(claim.record.attempt)?.index ?? 0
      const live = liveAttempt(job.tasks[index] ?? newTask)
      if (live?.phase === 'running') return { index, fence: live.fence }
    }
    return checkClaim(job, claim.record)
  }

  const refuse = async (actor: JobActor, claim: SignedClaim, error: unknown): Promise<void> => {
    const name = parseAttemptId(claim.record.attempt)
    log.warn('refused a claim', { attempt: claim.record.attempt, provider: claim.record.provider, error })
    if (codeOf(error) === 'attempt_fenced' || name === undefined) return
    if (!providerFaults.includes(codeOf(error))) throw error
    await actor.step((draft) => failAttempts(draft, claim.record.provider, [{ ref: name, problem: toProblem(error) }]))
  }

  /** Holds every output before its claim counts: inline ones first, the rest fetched from the agent. */
  const gatherOutputs = async (
    peer: AgentPeer,
    claim: SignedClaim,
    held: ReadonlyMap<Cid, number>,
  ): Promise<BlobRow[]> => {
    const rows: BlobRow[] = []
    for (const { cid } of claim.record.outputs) {
      const known = held.get(cid) ?? (await blobs.size(cid))
      const bytes =
        known ?? (await blobs.putStream(cid, peer.getBlob(cid, modules.maxBlobBytes), modules.maxBlobBytes)).bytes
      rows.push({ cid, bytes, createdAt: world.now() })
    }
    return rows
  }

  /** Looked at again in the turn itself: an attempt may have been replaced while its outputs were fetched, or claimed twice. */
  const isWanted = (job: Job, claim: SignedClaim): boolean => {
    try {
      attemptFor(job, claim)
      return true
    } catch {
      return false
    }
  }

  const acceptIn = (draft: Draft, claims: readonly Checked[], rows: readonly BlobRow[]): void => {
    const wanted = claims.filter(({ claim }) => isWanted(draft.job, claim))
    if (wanted.length === 0) return
    const at = draft.now
    const refs = wanted.map(({ ref }) => ref)
    draft.emit({
      type: 'claimed',
      at,
      attempts: wanted.map(({ ref, claim }) => ({ ...ref, claim: digestOf(claim.record) })),
    })
    const receipts = writeReceipts(draft, wanted, modules)
    draft.emit({
      type: 'accepted',
      at,
      attempts: wanted.flatMap(({ ref, claim }, index) => {
        const receipt = receipts[index]
        if (receipt === undefined) return []
        return [{ ...ref, receipt: receipt.id, amount: receipt.amount, outputs: claim.record.outputs }]
      }),
    })
    draft.emit({ type: 'finalised', at, attempts: refs })
    draft.blobs.push(...rows)
    draft.blobRefs.push(...rows.map(({ cid }) => ({ cid, job: draft.job.id })))
  }

  const acceptOfJob = async (
    peer: AgentPeer,
    id: JobId,
    claims: readonly SignedClaim[],
    held: ReadonlyMap<Cid, number>,
  ) => {
    const actor = jobs.get(id)
    if (actor === undefined) return
    const ready: Checked[] = []
    const rows: BlobRow[] = []
    const late: Promise<void>[] = []
    const accept = (checked: readonly Checked[], outputs: readonly BlobRow[]) =>
      actor.step((draft) => acceptIn(draft, checked, outputs))
    for (const claim of claims) {
      try {
        const job = actor.peek()
        if (job === undefined) continue
        const ref = attemptFor(job, claim)
        verifier.requireSigner(domain, claim, peer.provider)
        depth.observe(claim.record.lease, claim.record.meter.slotMs)
        if (claim.record.outputs.every(({ cid }) => held.has(cid))) {
          ready.push({ claim, ref })
          rows.push(...(await gatherOutputs(peer, claim, held)))
        } else {
          late.push(
            gatherOutputs(peer, claim, held)
              .then((outputs) => accept([{ claim, ref }], outputs))
              .catch((error: unknown) => refuse(actor, claim, error)),
          )
        }
      } catch (error) {
        late.push(refuse(actor, claim, error))
      }
    }
    if (ready.length > 0) late.push(accept(ready, rows))
    await Promise.all(late)
  }

  return async (peer, claims, inline) => {
    try {
      const held = new Map<Cid, number>()
      for (const bytes of inline) held.set((await blobs.putBytes(bytes)).cid, bytes.length)
      const byJob = new Map<JobId, SignedClaim[]>()
      for (const claim of claims) {
        const job = parseAttemptId(claim.record.attempt)?.job
        if (job === undefined) continue
        const ofJob = byJob.get(job)
        if (ofJob === undefined) byJob.set(job, [claim])
        else ofJob.push(claim)
      }
      await Promise.all([...byJob].map(([job, ofJob]) => acceptOfJob(peer, job, ofJob, held)))
      if (claims.length > 0) peer.send({ type: 'settled', attempts: claims.map(({ record }) => record.attempt) })
    } catch (error) {
      log.warn('claims were not settled; the agent sends them again', { provider: peer.provider, error })
    }
  }
}
