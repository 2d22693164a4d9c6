import path from 'node:path'
import {
  formatUsd,
  fromProblem,
  MusterError,
  type Cid,
  type JobView,
  type Muster,
  type ProgramManifest,
} from '@muster/sdk'
import { uploadBlobs } from '../blob/upload-blobs.ts'
import type { Session } from '../command/session.ts'
import { isMerelyBusy } from '../error/is-merely-busy.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { compileJob, type CompiledJob } from '../job-file/compile-job.ts'
import { parseJobFile } from '../job-file/parse-job-file.ts'
import { demandOf } from './demand-of.ts'
import { fetchOutputs, sayUnfetched } from './fetch-outputs.ts'
import { followJob } from './follow-job.ts'
import { sayRanked } from './say-ranked.ts'
import { renderJob, totalTasks } from './show-job.ts'

export interface SubmitOptions {
  readonly watch?: boolean
  readonly fetch?: string
  readonly dryRun?: boolean
}

/** Reads and compiles a job file; a program it names by CID is looked up at the market, where one can be asked. */
export const loadJobFile = async (session: Session, given: string): Promise<CompiledJob> => {
  const file = path.resolve(session.directory, given)
  const findProgram = async (program: Cid): Promise<ProgramManifest | undefined> => {
    for (const { url, apiKey } of await session.contexts().catch(() => [])) {
      try {
        const muster = await session.connect({ url, apiKey, market: undefined, retry: { attempts: 1 } })
        return await muster.getProgram(program, { signal: session.signal })
      } catch (error) {
        if (!(error instanceof MusterError)) throw error
      }
    }
    return undefined
  }
  return compileJob(await parseJobFile(file), { file, findProgram })
}

/** Says that nothing fits before anything is uploaded. A machine that only is busy now will be free again; anything else that is missing stays missing. */
const requireFit = async (session: Session, muster: Muster, { spec }: CompiledJob): Promise<void> => {
  const { problem } = await muster.match(demandOf(spec), { signal: session.signal })
  if (problem?.code === 'nothing_fits' && !isMerelyBusy(problem)) throw fromProblem(problem)
}

const printDryRun = (session: Session, { spec, blobs }: CompiledJob): void =>
  session.print(spec, () => {
    const { style } = session
    return `${style.green('✓')} ${spec.tasks.length} tasks, ${blobs.length} blobs to upload, ceiling ${formatUsd(spec.ceiling)}; nothing was sent.\n`
  })

interface Taken {
  readonly muster: Muster
  readonly view: JobView
}

const submitHere = async (session: Session, compiled: CompiledJob): Promise<Taken> => {
  const muster = await session.connect()
  await requireFit(session, muster, compiled)
  await uploadBlobs(session, muster, compiled.blobs)
  return { muster, view: await muster.submitJob(compiled.spec, { signal: session.signal }) }
}

/** To the market that serves it best, and says why; to the next where one refuses it. */
const submitEverywhere = async (session: Session, { spec, blobs }: CompiledJob): Promise<Taken> => {
  const markets = await session.connectAll()
  const tell = (text: string): void => {
    if (!session.isJson) session.progress.print(text, 'stderr')
  }
  const { market, job } = await markets.submitJob(spec, {
    blobs,
    signal: session.signal,
    onRanked: (ranked) => tell(sayRanked(ranked, session)),
    onPassedOver: (url, { message }) => tell(`${session.style.yellow('!')} ${url} does not take it: ${message}\n`),
  })
  tell(`${session.style.green('✓')} It went to ${market}.\n`)
  return { muster: markets.at(market), view: job }
}

const saySubmitted = (view: JobView, { style }: Session): string =>
  `${style.green('✓')} Submitted ${style.bold(view.id)}: ${totalTasks(view)} tasks, at most ${formatUsd(view.ceiling)}.\n`

const sayNext = (view: JobView, session: Session): string =>
  saySubmitted(view, session) + session.style.dim(`  muster job watch ${view.id}\n  muster job fetch ${view.id}\n`)

/** `muster job submit`: checks, uploads and submits a job file; with --watch or --fetch it stays to the end. */
export const submitJob = async (session: Session, file: string, options: SubmitOptions): Promise<number> => {
  const compiled = await loadJobFile(session, file)
  if (options.dryRun === true) {
    printDryRun(session, compiled)
    return exitCodes.ok
  }
  const { muster, view } =
    (await session.contexts()).length > 1
      ? await submitEverywhere(session, compiled)
      : await submitHere(session, compiled)
  if (options.watch !== true && options.fetch === undefined) {
    session.print(view, () => sayNext(view, session))
    return exitCodes.ok
  }
  if (!session.isJson) session.progress.print(saySubmitted(view, session), 'stderr')
  const followed = await followJob(session, muster, view.id, { showsEvents: false })
  if (options.fetch !== undefined) {
    const { missing } = await fetchOutputs(session, muster, view.id, { directory: options.fetch })
    if (!session.isJson) session.progress.print(sayUnfetched(missing, view.id, session), 'stderr')
  }
  session.progress.stop()
  session.print(followed.view, () => renderJob(followed.view, session.style, session.now()))
  return followed.status
}
