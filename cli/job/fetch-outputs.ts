import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { decodeTensor, MusterError, type Cid, type JobId, type Muster, type NamedBlob } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { writeNpy } from '../tensor/npy.ts'
import { findTask } from './find-task.ts'
import { parseJobPart } from './parse-ids.ts'
import { isMissing, isPending, listMissing, sayMissing, type MissingTask } from './say-missing.ts'

export interface FetchOptions {
  readonly directory: string
  readonly index?: number | undefined
  readonly npy?: boolean | undefined
}

export interface FetchedFile {
  readonly task: number
  readonly name: string
  readonly cid: Cid
  readonly file: string
}

const longestName = 180

/** A provider chooses the names of outputs: here they become names of files and nothing else. */
const fileNameOf = ({ name, cid }: NamedBlob): string => {
  const escaped = encodeURIComponent(name)
    .replace(/[*'()~!]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, '%2E')
  return escaped.length <= longestName ? escaped : `${escaped.slice(0, longestName - cid.length)}-${cid}`
}

/** Writes a blob to a file that appears only once all of it has come and been checked. */
export const saveBlob = async (muster: Muster, cid: Cid, file: string, signal: AbortSignal): Promise<void> => {
  const part = `${file}.${process.pid}.part`
  try {
    await pipeline(Readable.from(await muster.streamBlob(cid, { signal })), createWriteStream(part), { signal })
    await rename(part, file)
  } finally {
    await rm(part, { force: true })
  }
}

const save = async (muster: Muster, output: NamedBlob, folder: string, isNpy: boolean, signal: AbortSignal) => {
  const file = path.join(folder, `${fileNameOf(output)}.${isNpy ? 'npy' : 'tensor'}`)
  const { cid } = output
  if (isNpy) await writeFile(file, writeNpy(decodeTensor(await muster.getBlob(cid, { signal }))))
  else await saveBlob(muster, cid, file, signal)
  return file
}

export interface Fetched {
  readonly files: readonly FetchedFile[]
  /** Tasks asked for that are not done, or came to nothing. */
  readonly missing: readonly MissingTask[]
}

/** Writes the outputs of finished tasks to `directory/<task>/<name>.tensor`, each checked against its CID. */
export const fetchOutputs = async (
  session: Session,
  muster: Muster,
  job: JobId,
  { directory, index, npy = false }: FetchOptions,
): Promise<Fetched> => {
  const { signal } = session
  const root = path.resolve(session.directory, directory)
  const asked =
    index === undefined
      ? await Array.fromAsync(muster.listTasks(job, { signal }))
      : [await findTask(muster, job, index, signal)]
  const missing = asked.filter(isMissing).map((task): MissingTask => ({ index: task.index, phase: task.phase }))
  const tasks = asked.filter(({ outputs }) => outputs.length > 0)
  if (tasks.length === 0) return { files: [], missing }
  const bar = session.progress.bar('fetch', tasks.length)
  const files: FetchedFile[] = []
  for (const [at, task] of tasks.entries()) {
    const folder = path.join(root, String(task.index).padStart(4, '0'))
    await mkdir(folder, { recursive: true })
    const saved = await Promise.all(task.outputs.map((output) => save(muster, output, folder, npy, signal)))
    files.push(
      ...task.outputs.map(({ name, cid }, which) => ({ task: task.index, name, cid, file: saved[which] ?? '' })),
    )
    bar.update({ done: at + 1 })
  }
  bar.succeed(root)
  return { files, missing }
}

const nothingToFetch = (job: JobId, index: number | undefined, missing: readonly MissingTask[]): MusterError => {
  const isYetToCome = missing.some(isPending)
  const whose = index === undefined ? 'The job' : `Task ${index}`
  return new MusterError({
    code: 'not_found',
    message: isYetToCome
      ? `${whose} has no outputs yet; follow it with: muster job watch ${job}`
      : `${whose} has no outputs, and none will come.`,
    facts: {
      job,
      ...(index === undefined ? {} : { task: index }),
      ...(missing.length === 0 ? {} : { missing: listMissing(missing) }),
    },
    retry: isYetToCome ? 'later' : 'never',
  })
}

/** The tasks that are missing from what was fetched, for a person; nothing where none is. */
export const sayUnfetched = (missing: readonly MissingTask[], job: JobId, { style }: Session): string => {
  if (missing.length === 0) return ''
  const head = `${style.yellow('!')} ${missing.length} ${missing.length === 1 ? 'task' : 'tasks'} without outputs:\n`
  const next = missing.some(isPending) ? style.dim(`  Fetch again when they are done: muster job watch ${job}\n`) : ''
  return head + sayMissing(missing, style) + next
}

/** `muster job fetch`: status 1 where tasks are missing. */
export const fetchJob = async (
  session: Session,
  text: string,
  directory: string | undefined,
  options: { readonly npy?: boolean },
): Promise<number> => {
  const { job, index } = parseJobPart(text)
  const muster = await session.connectFor(job)
  const fetched = await fetchOutputs(session, muster, job, { directory: directory ?? job, index, npy: options.npy })
  const { files, missing } = fetched
  if (files.length === 0) throw nothingToFetch(job, index, missing)
  session.progress.stop()
  session.print(fetched, () => {
    const folder = path.relative(session.directory, path.resolve(session.directory, directory ?? job))
    const done = `${session.style.green('✓')} ${files.length} files in ${folder === '' ? '.' : folder}\n`
    return done + sayUnfetched(missing, job, session)
  })
  return missing.length === 0 ? exitCodes.ok : exitCodes.failed
}
