import {
  attemptId,
  cidOf,
  digestOf,
  newId,
  signRecord,
  signTogether,
  type Address,
  type AttemptId,
  type Claim,
  type JobId,
  type Problem,
  type SignedReservation,
  type Signer,
  type World,
} from '@muster/protocol'
import type { JournalRecord, OutcomesRecord, ReservationRecord, StartsRecord } from '../journal/journal-record.ts'

/** Journal records as an agent writes them. */
export const stageRecords = (world: World, signer: Signer, market: Address) => {
  const domain = { chainId: 1, market }
  const job: JobId = newId(world, 'job')
  const lease = newId(world, 'lease')
  const resources = { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 0, gpuCount: 0 }
  const price = { nanoUsd: 2n ** 62n, per: 'hour' as const }

  const reservation = (): SignedReservation =>
    signRecord(signer, domain, {
      kind: 'reservation',
      id: newId(world, 'reservation'),
      market,
      provider: signer.address,
      order: digestOf('order'),
      offer: newId(world, 'offer'),
      slots: 1,
      resources,
      gpus: ['GPU-1'],
      price,
      issuedAt: 1,
      expiresAt: 2,
    })

  const attempt = (index: number): AttemptId => attemptId(job, index, 1)

  const claim = (index: number): Claim => ({
    kind: 'claim',
    market,
    provider: signer.address,
    lease,
    attempt: attempt(index),
    program: null,
    execSpec: '',
    inputs: digestOf([]),
    outputs: [{ name: 'y', cid: cidOf(new Uint8Array([1])) }],
    meter: { slotMs: 1, cpuMs: 2, peakMemoryBytes: 3 },
    startedAt: 1,
    endedAt: 2,
  })

  const crash: Problem = {
    code: 'program_crashed',
    message: 'It crashed.',
    facts: { exit: 1 },
    fault: 'program',
    retry: 'never',
  }

  return {
    reservation: (isLeased: boolean): ReservationRecord => {
      const signed = reservation()
      const { id, order, slots } = signed.record
      return {
        kind: 'reservation',
        id,
        reservation: signed,
        runtime: 'graph',
        lease: isLeased
          ? signRecord(signer, domain, {
              kind: 'lease',
              id: lease,
              market,
              provider: signer.address,
              tenant: newId(world, 'tenant'),
              job,
              order,
              reservation: digestOf(signed.record),
              slots,
              resources,
              runtime: 'graph',
              price,
              bond: 3n,
              startsAt: 1,
              paidUntil: 2,
            })
          : null,
      }
    },
    starts: (indexes: readonly number[], over: readonly number[] = []): StartsRecord => ({
      kind: 'starts',
      id: attempt(indexes[0] ?? 0),
      market,
      batch: {
        job,
        lease,
        runtime: 'graph',
        program: null,
        timeoutMs: 10,
        tasks: indexes.map((index) => ({ index, fence: 1, inputs: [] })),
      },
      over: [...over],
    }),
    outcomes: (claimed: readonly number[], failed: readonly number[] = []): OutcomesRecord => {
      const claims = claimed.map(claim)
      return {
        kind: 'outcomes',
        id: attempt([...claimed, ...failed][0] ?? 0),
        market,
        claims: claims.length === 0 ? null : { claims, signature: signTogether(signer, domain, claims) },
        failures: failed.map((index) => ({ attempt: attempt(index), problem: crash })),
      }
    },
    fence: (index: number, fence: number): JournalRecord => ({
      kind: 'fences',
      id: attemptId(job, index, 1),
      job,
      tasks: [{ index, fence }],
    }),
  }
}
