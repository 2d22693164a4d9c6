import path from 'node:path'
import {
  chargeFor,
  checkInputs,
  checkSpec,
  explainIssues,
  formatUsd,
  MusterError,
  sayIssues,
  type BlobSource,
  type Issue,
  type JobSpec,
  type NamedBlob,
  type ProgramManifest,
  type TensorHeader,
} from '@muster/sdk'
import { compileResources } from './compile-resources.ts'
import { expandTasks, type WrittenTask } from './expand-tasks.ts'
import { jobFileSchema, programFieldSchema, type JobFile } from './job-file.ts'
import { readInput, type ReadInput } from './read-input.ts'
import { readProgram, type FindProgram, type ReadProgram } from './read-program.ts'

/** A job file in the terms of the API, and what is to be stored before it is submitted. */
export interface CompiledJob {
  readonly spec: JobSpec
  readonly blobs: readonly BlobSource[]
  readonly manifest: ProgramManifest | undefined
}

export interface CompileOptions {
  /** The job file: its folder is what paths are relative to, its name the default name of the job. */
  readonly file: string
  readonly findProgram: FindProgram
}

interface Sources {
  readonly program: ReadProgram | undefined
  readonly tasks: readonly { readonly inputs: readonly NamedBlob[] }[]
  readonly blobs: readonly BlobSource[]
  readonly issues: readonly Issue[]
}

const isIssue = (value: object): value is Issue => 'expected' in value

const defaultSlots = 64
const maxIssues = 100

const nameOf = (file: string): string => {
  const base = path
    .basename(file)
    .replace(/\.(ya?ml|json)$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
  return base.replace(/^[^a-z0-9]+/, '').slice(0, 63) || 'job'
}

const readTasks = async (written: readonly WrittenTask[], directory: string, manifest: ProgramManifest | undefined) => {
  const issues: Issue[] = []
  const blobs: BlobSource[] = []
  const known = new Map<unknown, Promise<ReadInput | Issue>>()
  const tasks: { inputs: NamedBlob[] }[] = []
  for (const { path: where, inputs } of written) {
    const headers = new Map<string, TensorHeader>()
    const named: NamedBlob[] = []
    let isKnown = true
    for (const [name, given] of Object.entries(inputs)) {
      const seen = known.has(given)
      const reading = known.get(given) ?? readInput(given, `${where}.${name}`, directory)
      known.set(given, reading)
      const input = await reading
      if (isIssue(input)) {
        isKnown = false
        if (!seen) issues.push(input)
        continue
      }
      if (!seen && input.source !== undefined) blobs.push(input.source)
      named.push({ name, cid: input.cid })
      if (input.header === undefined) isKnown = false
      else headers.set(name, input.header)
    }
    tasks.push({ inputs: named })
    if (manifest !== undefined && isKnown && issues.length < maxIssues) {
      const prefix = where.replace(/\.?inputs$/, '')
      issues.push(...checkInputs(manifest, headers).map((issue) => ({ ...issue, path: `${prefix}.${issue.path}` })))
    }
  }
  return { tasks, blobs, issues }
}

/** Reads every file that is named where one should be, whatever else of the job file is wrong. */
const readSources = async (value: unknown, { file, findProgram }: CompileOptions): Promise<Sources> => {
  const fields = typeof value === 'object' && value !== null ? value : {}
  const directory = path.dirname(file)
  const issues: Issue[] = []
  const written = await expandTasks(Reflect.get(fields, 'tasks'), directory)
  if (isIssue(written)) issues.push(written)
  const given = programFieldSchema.safeParse(Reflect.get(fields, 'program'))
  const read = given.success ? await readProgram(given.data, directory, findProgram) : undefined
  if (read !== undefined && isIssue(read)) issues.push(read)
  const program = read === undefined || isIssue(read) ? undefined : read
  const { tasks, blobs, issues: found } = await readTasks(isIssue(written) ? [] : written, directory, program?.manifest)
  return { program, tasks, blobs: [...(program?.blobs ?? []), ...blobs], issues: [...issues, ...found] }
}

/** What all tasks may cost at the highest price: what a ceiling must cover. */
const mostOf = (job: JobFile, tasks: number, manifest: ProgramManifest | undefined): bigint | undefined => {
  if (
    job.maxPrice.per === 'hour' ||
    (job.maxPrice.per === 'operator' && job.program !== undefined && manifest === undefined)
  ) {
    return undefined
  }
  return chargeFor(job.maxPrice, { operators: manifest?.operators ?? 0, slotMs: 0 }) * BigInt(tasks)
}

const lowCeiling = (ceiling: bigint, most: bigint): Issue => ({
  path: 'ceiling',
  expected: `at least ${formatUsd(most)}, what all tasks may cost at maxPrice`,
  found: formatUsd(ceiling),
})

const compileLease = ({ kind, term, minNotice }: NonNullable<JobFile['lease']>) => ({
  kind,
  ...(term === undefined ? {} : { termMs: term }),
  ...(minNotice === undefined ? {} : { minNoticeMs: minNotice }),
})

const ceilingIssue = (job: JobFile): Issue => ({
  path: 'ceiling',
  expected: 'dollars such as 1.50 USD; it cannot be worked out here',
  found: job.ceiling === undefined ? 'nothing' : String(job.ceiling),
})

/** Tasks that are alike have the same issue; it is named once. */
const distinct = (issues: readonly Issue[]): Issue[] => [
  ...new Map(issues.map((issue) => [`${issue.path}\n${issue.expected}\n${issue.found}`, issue])).values(),
]

const refuse = (file: string, issues: readonly Issue[]): MusterError =>
  new MusterError({
    code: 'spec_invalid',
    message: sayIssues(`The job file ${path.basename(file)}`, distinct(issues)),
    facts: { file, issues: distinct(issues).slice(0, maxIssues) },
  })

/**
 * Written → compiled: parses a job file's value, reads the files it names and works out what was left out.
 * Throws `spec_invalid` with every issue (path, expected, found) in `facts.issues`; nothing is stored.
 */
export const compileJob = async (value: unknown, options: CompileOptions): Promise<CompiledJob> => {
  const parsed = jobFileSchema.safeParse(value)
  const sources = await readSources(value, options)
  const issues = [...(parsed.success ? [] : explainIssues(parsed.error, value, jobFileSchema)), ...sources.issues]
  if (!parsed.success || issues.length > 0) throw refuse(options.file, issues)
  const job = parsed.data
  const { program, tasks } = sources
  const most = mostOf(job, tasks.length, program?.manifest)
  const ceiling = job.ceiling ?? most
  if (ceiling === undefined) throw refuse(options.file, [ceilingIssue(job)])
  if (most !== undefined && ceiling < most) throw refuse(options.file, [lowCeiling(ceiling, most)])
  const spec = checkSpec({
    apiVersion: job.apiVersion,
    kind: job.kind,
    name: job.name ?? nameOf(options.file),
    runtime: job.runtime ?? (program === undefined ? 'noop' : 'graph'),
    program: program?.id ?? null,
    tasks,
    slots: job.slots ?? Math.min(tasks.length, defaultSlots),
    resources: compileResources(job.resources),
    placement: { ...job.placement },
    maxPrice: job.maxPrice,
    ceiling,
    limits: { taskTimeoutMs: job.limits?.timeout ?? 600_000, maxFailures: job.limits?.failures ?? 3 },
    ...(job.lease === undefined ? {} : { lease: compileLease(job.lease) }),
    ...(job.award === undefined ? {} : { award: job.award }),
    ...(job.auction === undefined ? {} : { auction: { windowMs: job.auction.window, pricing: job.auction.pricing } }),
    ...(job.verify === undefined ? {} : { verify: job.verify }),
  })
  return { spec, blobs: sources.blobs, manifest: program?.manifest }
}
