import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  decodeTensor,
  MusterError,
  type Cid,
  type JobId,
  type Muster,
  type NamedBlob,
  type TaskView,
} from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { writeNpy } from '../tensor/npy.ts'
import { parseJobPart } from './parse-ids.ts'

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

/** Writes the outputs of finished tasks to `directory/<task>/<name>.tensor`, each checked against its CID. */
export const fetchOutputs = async (
  session: Session,
  muster: Muster,
  job: JobId,
  { directory, index, npy = false }: FetchOptions,
): Promise<FetchedFile[]> => {
  const { signal } = session
  const root = path.resolve(session.directory, directory)
  const tasks: TaskView[] = []
  for await (const task of muster.listTasks(job, { signal })) {
    if (task.outputs.length > 0 && (index === undefined || task.index === index)) tasks.push(task)
  }
  if (tasks.length === 0) {
    throw new MusterError({
      code: 'not_found',
      message: 'There are no outputs to fetch yet.',
      facts: { job, ...(index === undefined ? {} : { task: index }) },
      retry: 'later',
    })
  }
  const bar = session.progress.bar('fetch', tasks.length)
  const fetched: FetchedFile[] = []
  for (const task of tasks) {
    const folder = path.join(root, String(task.index).padStart(4, '0'))
    await mkdir(folder, { recursive: true })
    const files = await Promise.all(task.outputs.map((output) => save(muster, output, folder, npy, signal)))
    fetched.push(...task.outputs.map(({ name, cid }, at) => ({ task: task.index, name, cid, file: files[at] ?? '' })))
    bar.update({ done: fetched.length === 0 ? 0 : tasks.indexOf(task) + 1 })
  }
  bar.succeed(root)
  return fetched
}

/** `muster job fetch` */
export const fetchJob = async (
  session: Session,
  text: string,
  directory: string | undefined,
  options: { readonly npy?: boolean },
): Promise<number> => {
  const { job, index } = parseJobPart(text)
  const muster = await session.connect()
  const files = await fetchOutputs(session, muster, job, { directory: directory ?? job, index, npy: options.npy })
  session.progress.stop()
  session.print(files, () => {
    const folder = path.relative(session.directory, path.resolve(session.directory, directory ?? job))
    return `${session.style.green('✓')} ${files.length} files in ${folder === '' ? '.' : folder}\n`
  })
  return exitCodes.ok
}
