import {
  attemptId,
  createSigner,
  createVerifier,
  loadSecp256k1,
  newId,
  signGroup,
  spreadGroup,
  systemWorld,
  type Claim,
  type JobId,
} from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitByJob } from './split-by-job.ts'

const secp256k1 = await loadSecp256k1()
const signer = createSigner(secp256k1, new Uint8Array(32).fill(1))
const verifier = createVerifier(secp256k1)
const domain = { chainId: 1, market: signer.address }
const jobs = Array.from({ length: 4 }, () => newId(systemWorld, 'job'))

const claimFor = (job: JobId, index: number): Claim =>
  ({ kind: 'claim', market: signer.address, attempt: attemptId(job, index, 1) }) as Claim

test('each job that is wanted gets its claims, in order, with signatures that hold alone; the others get nothing', () => {
  const wanted = new Set(jobs.slice(0, 3))
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 40 }), (which) => {
      const records = which.map((job, index) => claimFor(jobs[job] ?? newId(systemWorld, 'job'), index))
      const split = splitByJob(signGroup(signer, domain, records), (job) => wanted.has(job), true)
      expect(split.flatMap(([, { records: ofJob }]) => ofJob)).toHaveLength(which.filter((job) => job < 3).length)
      for (const [job, group] of split) {
        expect(group.records).toEqual(records.filter(({ attempt }) => attempt.startsWith(job)))
        for (const signed of spreadGroup(group)) verifier.requireSigner(domain, signed, signer.address)
      }
    }),
  )
})

test('claims of one job are the group as it came, and none are made up for a signature that does not hold', () => {
  const [job, other] = jobs
  if (job === undefined || other === undefined) throw new RangeError()
  const whole = signGroup(signer, domain, [claimFor(job, 0), claimFor(job, 1)])
  expect(splitByJob(whole, () => true, true)).toEqual([[job, whole]])
  const mixed = signGroup(signer, domain, [claimFor(job, 0), claimFor(other, 1)])
  const parts = splitByJob(mixed, () => true, false)
  expect(parts.map(([, group]) => 'signatures' in group && group.signatures)).toEqual([[], []])
})
