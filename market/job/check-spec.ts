import { checkInputs, readTensorHeader, type ProgramManifest, type TensorHeader } from '@muster/graph'
import { MusterError, chargeFor, formatUsd, type Cid, type CommittedSpec } from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'
import { readTensorHead } from '../blob/read-tensor-head.ts'

interface Issue {
  readonly path: string
  readonly expected: string
  readonly found: string
}

/** An issue and how it is said where that is not as its facts stand: amounts in dollars. */
interface SaidIssue extends Issue {
  readonly said?: { readonly expected: string; readonly found: string }
}

const maxIssues = 50

const specInvalid = (issues: readonly SaidIssue[]): MusterError => {
  const [first] = issues
  const { expected, found } = first?.said ?? first ?? { expected: '', found: '' }
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  return new MusterError({
    code: 'spec_invalid',
    message: `The spec is wrong at ${first?.path}: expected ${expected}, found ${found}${more}. Nothing was charged.`,
    facts: { issues: issues.slice(0, maxIssues).map(({ said: _, ...issue }) => issue) },
  })
}

const priceIssues = (spec: CommittedSpec, operators: number): SaidIssue[] => {
  if (spec.maxPrice.per === 'hour') {
    return [{ path: 'spec.maxPrice.per', expected: `task or operator for the runtime ${spec.runtime}`, found: 'hour' }]
  }
  const most = chargeFor(spec.maxPrice, { operators, slotMs: 0 }) * BigInt(spec.tasks.length)
  if (spec.ceiling >= most) return []
  return [
    {
      path: 'spec.ceiling',
      expected: `at least ${most} nano-dollars, what all tasks may cost`,
      found: `${spec.ceiling}`,
      said: { expected: `at least ${formatUsd(most)}, what all tasks may cost`, found: formatUsd(spec.ceiling) },
    },
  ]
}

const readHeader = async (blobs: BlobStore, cid: Cid): Promise<TensorHeader> =>
  readTensorHeader(await readTensorHead(blobs, cid), (await blobs.size(cid)) ?? 0)

const inputIssues = async (spec: CommittedSpec, program: ProgramManifest, blobs: BlobStore): Promise<Issue[]> => {
  const issues: Issue[] = []
  const headers = new Map<Cid, TensorHeader | Issue>()
  for (const [index, task] of spec.tasks.entries()) {
    const tensors = new Map<string, TensorHeader>()
    let broken = false
    for (const [at, { name, cid }] of task.inputs.entries()) {
      const path = `spec.tasks[${index}].inputs[${at}]`
      let header = headers.get(cid)
      if (header === undefined) {
        header = await readHeader(blobs, cid).catch((error: unknown) => asIssue(cid, error))
        headers.set(cid, header)
      }
      if ('expected' in header) {
        broken = true
        issues.push({ ...header, path })
      } else tensors.set(name, header)
    }
    if (!broken)
      issues.push(
        ...checkInputs(program, tensors).map((issue) => ({ ...issue, path: `spec.tasks[${index}].${issue.path}` })),
      )
    if (issues.length >= maxIssues) break
  }
  return issues
}

const asIssue = (cid: Cid, error: unknown): Issue => ({
  path: '',
  expected: 'the CID of an uploaded tensor',
  found: error instanceof MusterError ? `${cid}: ${error.message}` : cid,
})

/** Everything of a spec that its schema cannot say, all at once. Throws `spec_invalid` with `facts.issues`. */
export const checkSpec = async (
  spec: CommittedSpec,
  program: ProgramManifest | undefined,
  blobs: BlobStore,
): Promise<void> => {
  const issues = priceIssues(spec, program?.operators ?? 0)
  if (program !== undefined) issues.push(...(await inputIssues(spec, program, blobs)))
  if (issues.length > 0) throw specInvalid(issues)
}
