import type { BenchmarkChallenge } from '../benchmark/benchmark-challenge.ts'
import type { BenchmarkResult } from '../benchmark/benchmark-result.ts'
import type { Claim } from '../claim/claim.ts'
import { cidOf } from '../digest/cid.ts'
import { digestOf } from '../digest/digest.ts'
import { toHex } from '../digest/hex.ts'
import { parseId } from '../id/id.ts'
import { attemptId } from '../id/task-id.ts'
import { commitSpec, type CommittedSpec } from '../job/commit-spec.ts'
import { jobSpecSchema, type JobSpec } from '../job/job-spec.ts'
import type { Amendment } from '../lease/amendment.ts'
import type { Lease } from '../lease/lease.ts'
import type { StatementRequest } from '../ledger/statement.ts'
import type { LinkHello } from '../link/link-hello.ts'
import type { Attestation } from '../offer/attestation.ts'
import type { Offer } from '../offer/offer.ts'
import type { Order } from '../order/order.ts'
import type { Resize } from '../order/resize.ts'
import type { Receipt } from '../receipt/receipt.ts'
import type { Reservation } from '../reservation/reservation.ts'
import { nobleSecp256k1 } from '../signature/secp256k1.ts'
import { createSigner } from '../signature/signer.ts'
import type { SignatureDomain } from '../signature/typed-data.ts'

/** Private keys of the examples. They are public: never use them for anything else. */
export const exampleKeys = {
  tenant: new Uint8Array(32).fill(0x11),
  provider: new Uint8Array(32).fill(0x22),
  market: new Uint8Array(32).fill(0x33),
  auditor: new Uint8Array(32).fill(0x66),
}

export const exampleSigners = {
  tenant: createSigner(nobleSecp256k1, exampleKeys.tenant),
  provider: createSigner(nobleSecp256k1, exampleKeys.provider),
  market: createSigner(nobleSecp256k1, exampleKeys.market),
  auditor: createSigner(nobleSecp256k1, exampleKeys.auditor),
}

const market = exampleSigners.market.address
const provider = exampleSigners.provider.address

export const exampleDomain: SignatureDomain = { chainId: 31_337, market }

const blob = (text: string) => cidOf(new TextEncoder().encode(text))
const at = 1_790_000_000_000
const tenant = parseId('tenant', 'tnt_01K5KRN0M0ABCDEFGHJKMNPQRS')
const job = parseId('job', 'job_01K5KRN0M0ABCDEFGHJKMNPQRT')
const offerId = parseId('offer', 'ofr_01K5KRN0M0ABCDEFGHJKMNPQRV')
const resources = { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 2 ** 32, gpuCount: 0 }
const price = { nanoUsd: 125n, per: 'operator' as const }

export const exampleSpec: JobSpec = jobSpecSchema.parse({
  apiVersion: 'muster/v1',
  kind: 'batch',
  name: 'pages',
  runtime: 'graph',
  program: blob('program'),
  tasks: [{ inputs: [{ name: 'x', cid: blob('input 0') }] }, { inputs: [{ name: 'x', cid: blob('input 1') }] }],
  slots: 2,
  resources,
  maxPrice: { nanoUsd: 200n, per: 'operator' },
  ceiling: 1_000_000n,
})

export const exampleSalt = toHex(new Uint8Array(32).fill(0x55))
/** What the order of the example is for. */
export const exampleCommittedSpec: CommittedSpec = commitSpec(exampleSpec, exampleSalt)

export const exampleOffer: Offer = {
  kind: 'offer',
  id: offerId,
  market,
  provider,
  resources,
  slots: 4,
  runtimes: ['graph', 'noop'],
  execSpec: digestOf('exec spec'),
  gpus: [],
  region: 'eu-west',
  country: 'NL',
  attributes: { tier: 'community' },
  price,
  issuedAt: at,
  expiresAt: at + 3_600_000,
}

export const exampleAttestation: Attestation = {
  kind: 'attestation',
  market,
  auditor: exampleSigners.auditor.address,
  provider,
  attributes: { tier: 'community' },
  issuedAt: at,
  expiresAt: at + 86_400_000,
}

export const exampleOrder: Order = {
  kind: 'order',
  id: parseId('order', 'ord_01K5KRN0M0ABCDEFGHJKMNPQRW'),
  market,
  tenant,
  custody: 'tenant',
  job: digestOf(exampleCommittedSpec),
  slots: 2,
  resources,
  runtime: 'graph',
  placement: exampleSpec.placement,
  award: 'lowest',
  maxPrice: exampleSpec.maxPrice,
  ceiling: exampleSpec.ceiling,
  nonce: toHex(new Uint8Array(16).fill(0x44)),
  issuedAt: at + 1_000,
  expiresAt: at + 61_000,
}

export const exampleReservation: Reservation = {
  kind: 'reservation',
  id: parseId('reservation', 'rsv_01K5KRN0M0ABCDEFGHJKMNPQRX'),
  market,
  provider,
  order: digestOf(exampleOrder),
  offer: offerId,
  slots: 2,
  resources,
  gpus: [],
  price,
  issuedAt: at + 1_100,
  expiresAt: at + 11_100,
}

export const exampleLease: Lease = {
  kind: 'lease',
  id: parseId('lease', 'lse_01K5KRN0M0ABCDEFGHJKMNPQRY'),
  market,
  provider,
  tenant,
  job,
  order: digestOf(exampleOrder),
  reservation: digestOf(exampleReservation),
  slots: 2,
  resources,
  runtime: 'graph',
  price,
  bond: 5_000_000n,
  startsAt: at + 1_200,
  paidUntil: at + 3_601_200,
}

export const exampleAmendment: Amendment = {
  kind: 'amendment',
  market,
  provider,
  job,
  lease: digestOf(exampleLease),
  number: 1,
  slots: 1,
  until: at + 7_201_200,
  price,
  issuedAt: at + 1_800_000,
}

export const exampleResize: Resize = {
  kind: 'resize',
  market,
  tenant,
  order: digestOf(exampleOrder),
  number: 1,
  slots: 1,
  issuedAt: at + 1_790_000,
}

export const exampleClaim: Claim = {
  kind: 'claim',
  market,
  provider,
  lease: exampleLease.id,
  attempt: attemptId(job, 0, 1),
  program: exampleSpec.program,
  execSpec: digestOf('exec spec'),
  inputs: digestOf([{ name: 'x', cid: blob('input 0') }]),
  outputs: [{ name: 'y', cid: blob('output 0') }],
  meter: { slotMs: 812, cpuMs: 790, peakMemoryBytes: 183_500_800 },
  startedAt: at + 1_300,
  endedAt: at + 2_112,
}

export const exampleReceipt: Receipt = {
  kind: 'receipt',
  id: parseId('receipt', 'rcp_01K5KRN0M0ABCDEFGHJKMNPQRZ'),
  market,
  provider,
  tenant,
  lease: digestOf(exampleLease),
  claim: digestOf(exampleClaim),
  attempt: exampleClaim.attempt,
  price,
  operators: 278,
  slotMs: 812,
  amount: 34_750n,
  reverses: null,
  issuedAt: at + 2_200,
}

export const exampleHello: LinkHello = {
  kind: 'link',
  market,
  provider,
  challenge: toHex(new Uint8Array(32).fill(0x55)),
  socket: 'control',
  epoch: 1,
  tlsBinding: '',
  at,
}

export const exampleBenchmarkChallenge: BenchmarkChallenge = {
  kind: 'benchmark-challenge',
  market,
  provider,
  seed: toHex(new Uint8Array(32).fill(0x77)),
  work: { part: 'compute', width: 768, layers: 8, columns: 2048 },
  issuedAt: at,
  expiresAt: at + 60_000,
}

export const exampleBenchmarkResult: BenchmarkResult = {
  kind: 'benchmark-result',
  market,
  provider,
  challenge: digestOf(exampleBenchmarkChallenge),
  execSpec: digestOf('exec spec'),
  found: { part: 'compute', output: blob('output 0'), prepareUs: 180_000, runUs: 1_100_000 },
  at: at + 1_400,
}

export const exampleStatementRequest: StatementRequest = {
  kind: 'statement',
  market,
  provider,
  challenge: toHex(new Uint8Array(32).fill(0x66)),
  from: at - 86_400_000,
  to: at,
}
