import { decodeManifest, type ProgramManifest } from '@muster/graph'
import {
  blobListDigest,
  cidOf,
  digestOf,
  parseAttemptId,
  type CommittedSpec,
  type ReceiptBundle,
} from '@muster/protocol'
import { checkThat, type ReceiptCheck } from './receipt-check.ts'

const readManifest = (bytes: Uint8Array): ProgramManifest | undefined => {
  try {
    return decodeManifest(bytes)
  } catch {
    return undefined
  }
}

const checkProgram = ({ claim, receipt }: ReceiptBundle, manifest: Uint8Array | undefined): ReceiptCheck[] => {
  const name = 'the operators billed are the program’s'
  const { program, execSpec } = claim.record
  const { operators } = receipt.record
  if (program === null)
    return [checkThat(name, operators === 0, 'no program, none billed', `no program, ${operators} billed`)]
  if (manifest === undefined) return [{ name, result: 'unknown', why: `give the manifest of ${program} to count them` }]
  if (cidOf(manifest) !== program) {
    return [{ name, result: 'failed', why: `the claim is of ${program}, the manifest given is ${cidOf(manifest)}` }]
  }
  const declared = readManifest(manifest)
  if (declared === undefined) return [{ name, result: 'failed', why: `${program} is not the manifest of a program` }]
  return [
    checkThat(
      name,
      declared.operators === operators,
      `${operators}`,
      `the program has ${declared.operators}, billed were ${operators}`,
    ),
    checkThat(
      'it ran under the program’s exec spec',
      declared.execSpec === execSpec,
      declared.execSpec,
      `expected ${declared.execSpec}, found ${execSpec}`,
    ),
  ]
}

const checkSpecOf = ({ claim, order }: ReceiptBundle, spec: CommittedSpec): ReceiptCheck[] => {
  const index = parseAttemptId(claim.record.attempt)?.index ?? -1
  const task = spec.tasks[index]
  const found = digestOf(spec)
  return [
    checkThat(
      'the order is for this job',
      order.record.job === found,
      found,
      `the order names ${order.record.job}, the job is ${found}`,
    ),
    checkThat(
      'it ran the job’s program',
      claim.record.program === spec.program,
      spec.program ?? 'none',
      `expected ${spec.program}, found ${claim.record.program}`,
    ),
    checkThat(
      'it ran on the task’s inputs',
      task !== undefined && claim.record.inputs === blobListDigest(task.inputs),
      claim.record.inputs,
      task === undefined
        ? `the job has no task ${index}`
        : `expected ${blobListDigest(task.inputs)}, found ${claim.record.inputs}`,
    ),
  ]
}

/** That what was billed is the work that was asked for, as far as job and program are given. */
export const checkWork = (
  bundle: ReceiptBundle,
  given: { readonly spec?: CommittedSpec | undefined; readonly program?: Uint8Array | undefined },
): ReceiptCheck[] => [
  ...(given.spec === undefined ? [] : checkSpecOf(bundle, given.spec)),
  ...checkProgram(bundle, given.program),
]
