import { explainIssues, maintenanceSchema, MusterError, sayIssues, type Maintenance } from '@muster/protocol'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../market/market-file.ts'

export const mostWindows = 64

const fileSchema = z.strictObject({ windows: z.array(maintenanceSchema).max(mostWindows) })

/** What `muster agent maintenance` writes and the running agent follows. */
export const maintenanceFileOf = (dataDirectory: string): string => path.join(dataDirectory, 'maintenance.json')

const refuse = (file: string, why: string, cause?: unknown): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: `The file of maintenance cannot be used: ${why} Remove it and announce your maintenance again.`,
    facts: { file },
    cause,
  })

/** The windows of the file; none where there is no file. Throws `request_invalid`. */
export const readMaintenance = async (file: string): Promise<readonly Maintenance[]> => {
  let value: unknown
  try {
    value = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    if (error instanceof SyntaxError) throw refuse(file, 'it is not JSON.', error)
    throw error
  }
  const parsed = fileSchema.safeParse(value)
  if (parsed.success) return parsed.data.windows
  throw refuse(file, sayIssues('It', explainIssues(parsed.error, value, fileSchema)), parsed.error)
}

export const writeMaintenance = (file: string, windows: readonly Maintenance[]): Promise<void> =>
  replaceFile(file, `${JSON.stringify({ windows }, undefined, 2)}\n`)
