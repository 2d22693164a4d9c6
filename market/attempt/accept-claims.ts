import {
  MusterError,
  checkClaim,
  digestOf,
  parseAttemptId,
  toProblem,
  type AgentPeer,
  type Cid,
  type ClaimBatch,
  type ErrorCode,
  type Job,
  type JobId,
  type Log,
  type SignedClaim,
  type Verifier,
} from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'
import type { Draft } from '../job/draft.ts'
import type { JobActor } from '../job/job-actor.ts'
import type { Jobs } from '../job/jobs.ts'
import { workloadOf, type DispatchDepth } from '../lease/dispatch-depth.ts'
import type { PlantedBug } from '../planted-bug.ts'
import { writeReceipts, type AcceptedClaim, type WriteReceiptsModules } from '../receipt/write-receipts.ts'
import type { Store } from '../store/store.ts'
import { requireHeldOutputs, requireInlineOutputs } from './check-outputs.ts'
import { failAttempts } from './fail-attempts.ts'
import { gatherOutputs, nameInline, type Inline } from './gather-outputs.ts'
import { fencedAttemptOf, isWanted } from './is-wanted.ts'

export interface AcceptClaimsModules extends WriteReceiptsModules {
  readonly store: Store
  readonly verifier: Verifier
  readonly jobs: Jobs
  readonly blobs: BlobStore
  readonly depth: DispatchDepth
  readonly maxBlobBytes: number
  readonly log: Log
  readonly bugs: ReadonlySet<PlantedBug>
}

/** A claim of a message. `fault` is what is wrong with the signature it came under, if anything is. */
interface Arrived {
  readonly claim: SignedClaim
  readonly fault: unknown
}

/** Takes a message of claims with the small outputs that came along. Never throws: what is wrong is charged to the attempt. */
export type AcceptClaims = (
  peer: AgentPeer,
  batches: readonly ClaimBatch[],
  inline: readonly Uint8Array[],
) => Promise<void>

/** What is the provider's own doing; anything else (a broken link, a full disk here) leaves the claim for the agent to repeat. */
const providerFaults: readonly ErrorCode[] = [
  'record_invalid',
  'signature_invalid',
  'blob_corrupt',
  'blob_too_large',
  'blob_missing',
]

/** Attempts of one message. */
const settledAtOnce = 4096
/** Small outputs written at a time. */
const putAtOnce = 16

const codeOf = (error: unknown): ErrorCode => (error instanceof MusterError ? error.code : 'internal')

export const createAcceptClaims = (modules: AcceptClaimsModules): AcceptClaims => {
  const { world, verifier, domain, jobs, depth, log, bugs } = modules

  /** That this agent says what the job asked, in its own name. */
  const check = (job: Job, { claim, fault }: Arrived, peer: AgentPeer, inline: Inline): AcceptedClaim => {
    const { record } = claim
    if (record.provider !== peer.provider) {
      throw new MusterError({
        code: 'record_invalid',
        message: 'This claim is by another provider than the one that sent it.',
        facts: { attempt: record.attempt, expected: peer.provider, found: record.provider },
      })
    }
    const ref =
      (bugs.has('fenced-claim-accepted') ? fencedAttemptOf(job, record) : undefined) ??
      checkClaim(job, record, world.now())
    if (fault !== undefined) throw fault
    requireInlineOutputs(job, record.outputs, inline)
    return { ref, claim, digest: digestOf(record) }
  }

  const refuse = async (peer: AgentPeer, actor: JobActor, claim: SignedClaim, error: unknown): Promise<void> => {
    const { attempt } = claim.record
    const name = parseAttemptId(attempt)
    log.warn('refused a claim', { attempt, provider: peer.provider, error })
    if (codeOf(error) === 'attempt_fenced' || name === undefined) return
    if (!providerFaults.includes(codeOf(error))) throw error
    const problem = { ...toProblem(error), fault: 'provider' as const }
    await actor.step((draft) => failAttempts(draft, peer.provider, [{ ref: name, problem }]))
  }

  /** Looked at again in the turn itself: an attempt may have been replaced while its outputs were fetched, or claimed twice. */
  const acceptIn = (draft: Draft, claims: readonly AcceptedClaim[], outputs: ReadonlyMap<Cid, number>): void => {
    const seen = new Set<number>()
    const wanted = claims.filter(({ ref }) => {
      if (seen.has(ref.index) || !isWanted(draft.job, ref)) return false
      return seen.add(ref.index)
    })
    if (wanted.length === 0) return
    const at = draft.now
    draft.emit({ type: 'claimed', at, attempts: wanted.map(({ ref, digest }) => ({ ...ref, claim: digest })) })
    const receipts = writeReceipts(draft, wanted, modules)
    const accepted = wanted.flatMap(({ ref, claim }, index) => {
      const receipt = receipts[index]
      if (receipt === undefined) return []
      return [{ ...ref, receipt: receipt.id, amount: receipt.amount, outputs: claim.record.outputs }]
    })
    draft.emit({ type: 'accepted', at, attempts: accepted })
    draft.emit({ type: 'finalised', at, attempts: wanted.map(({ ref }) => ref) })
    for (const cid of new Set(accepted.flatMap((each) => each.outputs.map((output) => output.cid)))) {
      draft.blobs.push({ cid, bytes: outputs.get(cid) ?? 0, createdAt: at })
      draft.blobRefs.push({ cid, job: draft.job.id })
    }
  }

  const acceptOfJob = async (peer: AgentPeer, id: JobId, claims: readonly Arrived[], inline: Inline) => {
    const actor = jobs.get(id)
    const job = actor?.peek()
    if (actor === undefined || job === undefined) return
    const workload = workloadOf(job.spec)
    const under: Promise<void>[] = []
    const ready: AcceptedClaim[] = []
    const held = new Map<Cid, number>()

    const take = async (checked: AcceptedClaim): Promise<void> => {
      try {
        const outputs = await gatherOutputs(peer, checked.claim.record.outputs, inline, modules)
        await requireHeldOutputs(job, checked.claim.record.outputs, outputs, inline, modules.blobs)
        await actor.step((draft) => acceptIn(draft, [checked], outputs))
      } catch (error) {
        await refuse(peer, actor, checked.claim, error)
      }
    }

    for (const arrived of claims) {
      const { claim } = arrived
      try {
        const checked = check(job, arrived, peer, inline)
        depth.observe(claim.record.lease, workload, claim.record.meter.slotMs)
        const { outputs } = claim.record
        if (outputs.every(({ cid }) => inline.has(cid))) ready.push(checked)
        else under.push(take(checked))
      } catch (error) {
        under.push(refuse(peer, actor, claim, error))
      }
    }

    const takeReady = async (): Promise<void> => {
      const outputs = ready.flatMap(({ claim }) => claim.record.outputs)
      for (let at = 0; at < outputs.length; at += putAtOnce) {
        const part = outputs.slice(at, at + putAtOnce).map((output) => gatherOutputs(peer, [output], inline, modules))
        for (const sizes of await Promise.all(part)) for (const [cid, bytes] of sizes) held.set(cid, bytes)
      }
      await actor.step((draft) => acceptIn(draft, ready, held))
    }
    if (ready.length > 0) under.push(takeReady())
    const failed = (await Promise.allSettled(under)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  /** The claims of a batch with a signature each; where the batch was not signed by this agent, with what is wrong. */
  const open = (peer: AgentPeer, { claims, signature }: ClaimBatch): Arrived[] => {
    try {
      const signed = verifier.requireBatch(domain, claims, signature, peer.provider)
      return signed.map((claim) => ({ claim, fault: undefined }))
    } catch (fault) {
      return claims.map((record) => ({ claim: { record, signature }, fault }))
    }
  }

  return async (peer, batches, inline) => {
    try {
      const named = nameInline(inline)
      const arrived = batches.flatMap((batch) => open(peer, batch))
      const byJob = new Map<JobId, Arrived[]>()
      for (const each of arrived) {
        const job = parseAttemptId(each.claim.record.attempt)?.job
        if (job === undefined) continue
        const ofJob = byJob.get(job)
        if (ofJob === undefined) byJob.set(job, [each])
        else ofJob.push(each)
      }
      await Promise.all([...byJob].map(([job, ofJob]) => acceptOfJob(peer, job, ofJob, named)))
      const attempts = arrived.map(({ claim }) => claim.record.attempt)
      for (let at = 0; at < attempts.length; at += settledAtOnce)
        peer.send({ type: 'settled', attempts: attempts.slice(at, at + settledAtOnce) })
    } catch (error) {
      log.warn('claims were not settled; the agent sends them again', { provider: peer.provider, error })
    }
  }
}
