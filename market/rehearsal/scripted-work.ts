import { execSpecDigest } from '@muster/graph'
import {
  blobListDigest,
  cidOf,
  MusterError,
  signRecord,
  startsOf,
  toProblem,
  type AttemptId,
  type Cid,
  type Claim,
  type LeaseId,
  type MarketMessage,
  type SignedClaim,
  type Start,
  type Timer,
} from '@muster/protocol'
import type { Outcome, Script, ScriptedMessage } from './script.ts'
import type { ScriptedPromises, ScriptedSelf } from './scripted-promises.ts'

/** What of its behaviour a test may change while it works. */
interface Manner {
  script: Script
  taskMs: number
}

/** The attempts of a scripted agent: each takes a slot of its lease for as long as a task takes, and is repeated until it is settled. */
export const createScriptedWork = (
  { world, options, signer, domain, send }: ScriptedSelf,
  { leases, widthOf }: Pick<ScriptedPromises, 'leases' | 'widthOf'>,
  manner: () => Manner,
) => {
  const inlineBytes = options.inlineBytes ?? 32 * 1024
  const attempts = new Map<AttemptId, Start>()
  const running = new Map<AttemptId, Timer>()
  const queue: Start[] = []
  const done = new Map<AttemptId, ScriptedMessage>()
  const outputs = new Map<Cid, Uint8Array>()
  const starts: Start[] = []
  const settled: AttemptId[] = []
  const cancelled: AttemptId[] = []

  const claimFor = (
    start: Start,
    named: Readonly<Record<string, Uint8Array>> = {},
    slotMs = manner().taskMs,
  ): Claim => ({
    kind: 'claim',
    market: domain().market,
    provider: signer.address,
    lease: start.lease,
    attempt: start.attempt,
    program: start.program,
    execSpec: start.runtime === 'graph' ? execSpecDigest : '',
    inputs: blobListDigest(start.inputs),
    outputs: Object.entries(named).map(([name, bytes]) => ({ name, cid: cidOf(bytes) })),
    meter: { slotMs, cpuMs: slotMs, peakMemoryBytes: 1 },
    startedAt: world.now(),
    endedAt: world.now(),
  })

  const sign = (claim: Claim, by = signer): SignedClaim => signRecord(by, domain(), claim)

  const drop = (id: AttemptId): void => {
    running.get(id)?.cancel()
    running.delete(id)
    attempts.delete(id)
    done.delete(id)
    const at = queue.findIndex(({ attempt }) => attempt === id)
    if (at >= 0) queue.splice(at, 1)
  }

  const outcomeMessage = (start: Start, outcome: Exclude<Outcome, 'silence'>): ScriptedMessage => {
    if ('problem' in outcome)
      return { type: 'failures', failures: [{ attempt: start.attempt, problem: outcome.problem }] }
    const named = Object.values(outcome.outputs)
    for (const bytes of named) outputs.set(cidOf(bytes), bytes)
    const claim = claimFor(start, outcome.outputs, outcome.slotMs)
    const signed = manner().script.claim?.(claim, sign) ?? sign(claim)
    return { type: 'claims', claims: [signed], blobs: named.filter(({ length }) => length <= inlineBytes) }
  }

  const finish = (start: Start): void => {
    running.delete(start.attempt)
    const outcome = manner().script.run?.(start) ?? { outputs: {} }
    if (outcome !== 'silence') {
      const message = outcomeMessage(start, outcome)
      done.set(start.attempt, message)
      send(message)
    }
    pump()
  }

  const pump = (): void => {
    for (const start of [...queue]) {
      const busy = [...running.keys()].filter((id) => attempts.get(id)?.lease === start.lease).length
      if (busy >= widthOf(start.lease)) continue
      queue.splice(queue.indexOf(start), 1)
      running.set(
        start.attempt,
        world.after(manner().taskMs, () => finish(start)),
      )
    }
  }

  const start = (batches: Extract<MarketMessage, { type: 'start' }>['batches']): void => {
    for (const each of batches.flatMap(startsOf)) {
      if (attempts.has(each.attempt)) continue
      starts.push(each)
      if (!leases.has(each.lease)) {
        const problem = toProblem(new MusterError({ code: 'lease_closed', message: 'No such lease.' }))
        send({ type: 'failures', failures: [{ attempt: each.attempt, problem }] })
        continue
      }
      attempts.set(each.attempt, each)
      queue.push(each)
    }
    pump()
  }

  const cancel = (ids: readonly AttemptId[]): void => {
    for (const id of ids) {
      cancelled.push(id)
      drop(id)
    }
    pump()
  }

  const settle = (ids: readonly AttemptId[]): void => {
    for (const id of ids) {
      settled.push(id)
      attempts.delete(id)
      done.delete(id)
    }
  }

  return {
    attempts,
    outputs,
    starts,
    settled,
    cancelled,
    claimFor,
    sign,
    start,
    cancel,
    settle,
    dropOf: (lease: LeaseId): void => {
      for (const each of [...attempts.values()]) if (each.lease === lease) drop(each.attempt)
    },
    wipe: (): void => {
      for (const id of [...attempts.keys()]) drop(id)
    },
    repeat: (): void => {
      for (const message of [...done.values()]) send(message)
    },
  }
}
