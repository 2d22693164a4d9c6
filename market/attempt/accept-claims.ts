import {
  MusterError,
  checkClaim,
  parseAttemptId,
  pickFromGroup,
  recordDigest,
  toProblem,
  type AgentPeer,
  type AttemptRef,
  type Cid,
  type Claim,
  type ClaimBatch,
  type ErrorCode,
  type Job,
  type JobId,
  type Log,
  type SignedGroup,
  type Verifier,
} from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'
import type { Draft } from '../job/draft.ts'
import type { JobActor } from '../job/job-actor.ts'
import type { Jobs } from '../job/jobs.ts'
import { workloadOf, type DispatchDepth } from '../lease/dispatch-depth.ts'
import type { PlantedBug } from '../planted-bug.ts'
import { writeReceipts, type WriteReceiptsModules } from '../receipt/write-receipts.ts'
import type { Store } from '../store/store.ts'
import { requireHeldOutputs, requireInlineOutputs } from './check-outputs.ts'
import { failAttempts } from './fail-attempts.ts'
import { gatherOutputs, nameInline, type Inline } from './gather-outputs.ts'
import { fencedAttemptOf, isWanted } from './is-wanted.ts'
import { settleHere, type Elsewhere } from './settle-here.ts'
import { splitByJob } from './split-by-job.ts'

export interface AcceptClaimsModules extends WriteReceiptsModules {
  readonly store: Store
  readonly verifier: Verifier
  readonly jobs: Jobs
  readonly blobs: BlobStore
  readonly depth: DispatchDepth
  readonly maxBlobBytes: number
  readonly log: Log
  readonly bugs: ReadonlySet<PlantedBug>
  /** Of jobs that are not written here, those that are open: another node settles what is said of them. */
  readonly elsewhere?: Elsewhere
}

/** Claims of one job that came under one signature. `fault` is what is wrong with that signature, if anything is. */
interface Arrived {
  readonly claims: SignedGroup<Claim>
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
  const check = (job: Job, claim: Claim, fault: unknown, peer: AgentPeer, inline: Inline): AttemptRef => {
    if (claim.provider !== peer.provider) {
      throw new MusterError({
        code: 'record_invalid',
        message: 'This claim is by another provider than the one that sent it.',
        facts: { attempt: claim.attempt, expected: peer.provider, found: claim.provider },
      })
    }
    const ref =
      (bugs.has('fenced-claim-accepted') ? fencedAttemptOf(job, claim) : undefined) ??
      checkClaim(job, claim, world.now())
    if (fault !== undefined) throw fault
    requireInlineOutputs(job, claim.outputs, inline)
    return ref
  }

  const refuse = async (peer: AgentPeer, actor: JobActor, { attempt }: Claim, error: unknown): Promise<void> => {
    const name = parseAttemptId(attempt)
    log.warn('refused a claim', { attempt, provider: peer.provider, error })
    if (codeOf(error) === 'attempt_fenced' || name === undefined) return
    if (!providerFaults.includes(codeOf(error))) throw error
    const problem = { ...toProblem(error), fault: 'provider' as const }
    await actor.step((draft) => failAttempts(draft, peer.provider, [{ ref: name, problem }]))
  }

  /** Looked at again in the turn itself: an attempt may have been replaced while its outputs were fetched, or claimed twice. */
  const acceptIn = (
    draft: Draft,
    claims: SignedGroup<Claim>,
    refOf: (claim: Claim) => AttemptRef,
    outputs: ReadonlyMap<Cid, number>,
  ): void => {
    const seen = new Set<number>()
    const wanted = pickFromGroup(claims, (claim) => {
      const ref = refOf(claim)
      if (seen.has(ref.index) || !isWanted(draft.job, ref)) return false
      seen.add(ref.index)
      return true
    })
    if (wanted === undefined) return
    const at = draft.now
    const { records } = wanted
    draft.emit({
      type: 'claimed',
      at,
      attempts: records.map((claim) => ({ ...refOf(claim), claim: recordDigest(claim) })),
    })
    const receipts = writeReceipts(draft, wanted, modules)
    const accepted = records.flatMap((claim, index) => {
      const receipt = receipts[index]
      if (receipt === undefined) return []
      return [{ ...refOf(claim), receipt: receipt.id, amount: receipt.amount, outputs: claim.outputs }]
    })
    draft.emit({ type: 'accepted', at, attempts: accepted })
    draft.emit({ type: 'finalised', at, attempts: records.map(refOf) })
    for (const cid of new Set(accepted.flatMap((each) => each.outputs.map((output) => output.cid)))) {
      draft.blobs.push({ cid, bytes: outputs.get(cid) ?? 0, createdAt: at })
      draft.blobRefs.push({ cid, job: draft.job.id })
    }
  }

  const acceptOfJob = async (peer: AgentPeer, id: JobId, { claims, fault }: Arrived, inline: Inline) => {
    const actor = jobs.get(id)
    const job = actor?.peek()
    if (actor === undefined || job === undefined) return
    const workload = workloadOf(job.spec)
    const under: Promise<void>[] = []
    const refs = new Map<Claim, AttemptRef>()
    const ready = new Set<Claim>()
    const refOf = (claim: Claim): AttemptRef => {
      const ref = refs.get(claim)
      if (ref === undefined) throw new Error(`the claim of ${claim.attempt} was not checked`)
      return ref
    }

    /** A claim whose outputs have to be fetched first. */
    const fetchAndTake = async (claim: Claim): Promise<void> => {
      try {
        const outputs = await gatherOutputs(peer, claim.outputs, inline, modules)
        await requireHeldOutputs(job, claim.outputs, outputs, inline, modules.blobs)
        await take((each) => each === claim, outputs)
      } catch (error) {
        await refuse(peer, actor, claim, error)
      }
    }

    const take = async (isTaken: (claim: Claim) => boolean, held: ReadonlyMap<Cid, number>): Promise<void> => {
      const taken = pickFromGroup(claims, isTaken)
      if (taken !== undefined) await actor.step((draft) => acceptIn(draft, taken, refOf, held))
    }

    for (const claim of claims.records) {
      try {
        refs.set(claim, check(job, claim, fault, peer, inline))
        depth.observe(claim.lease, workload, claim.meter.slotMs)
        if (claim.outputs.every(({ cid }) => inline.has(cid))) ready.add(claim)
        else under.push(fetchAndTake(claim))
      } catch (error) {
        under.push(refuse(peer, actor, claim, error))
      }
    }

    const takeReady = async (): Promise<void> => {
      const held = new Map<Cid, number>()
      const outputs = [...ready].flatMap((claim) => claim.outputs)
      for (let at = 0; at < outputs.length; at += putAtOnce) {
        const part = outputs.slice(at, at + putAtOnce).map((output) => gatherOutputs(peer, [output], inline, modules))
        for (const sizes of await Promise.all(part)) for (const [cid, bytes] of sizes) held.set(cid, bytes)
      }
      await take((claim) => ready.has(claim), held)
    }
    if (ready.size > 0) under.push(takeReady())
    const failed = (await Promise.allSettled(under)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  /** Whether the agent holds or held a lease of this job: nothing is worked out for anybody else. */
  const isWorking = (peer: AgentPeer, id: JobId | undefined): boolean => {
    const job = id === undefined ? undefined : jobs.get(id)?.peek()
    for (const { provider } of job?.leases.values() ?? []) if (provider === peer.provider) return true
    return false
  }

  /** What is wrong with the signature of a batch, if anything is. */
  const faultOf = (peer: AgentPeer, { claims, signature }: ClaimBatch): unknown => {
    try {
      verifier.requireBatch(domain, claims, signature, peer.provider)
      return undefined
    } catch (fault) {
      return fault
    }
  }

  return async (peer, batches, inline) => {
    try {
      const attempts = batches.flatMap(({ claims }) => claims.map(({ attempt }) => attempt))
      const settled = await settleHere(peer, attempts, modules)
      const named = nameInline(inline)
      const settling = batches.flatMap((batch) => {
        if (!batch.claims.some(({ attempt }) => isWorking(peer, parseAttemptId(attempt)?.job))) return []
        const fault = faultOf(peer, batch)
        const claims = { records: batch.claims, signature: batch.signature }
        const ofJobs = splitByJob(claims, (job) => isWorking(peer, job), fault === undefined)
        return ofJobs.map(([job, claims]) => acceptOfJob(peer, job, { claims, fault }, named))
      })
      const failed = (await Promise.allSettled(settling)).find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
      for (let at = 0; at < settled.length; at += settledAtOnce)
        peer.send({ type: 'settled', attempts: settled.slice(at, at + settledAtOnce) })
    } catch (error) {
      log.warn('claims were not settled; the agent sends them again', { provider: peer.provider, error })
    }
  }
}
