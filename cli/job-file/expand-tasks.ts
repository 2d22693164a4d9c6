import { glob } from 'node:fs/promises'
import path from 'node:path'
import type { Issue } from '@muster/sdk'
import { tasksSchema, taskSchema, type InputSource } from './job-file.ts'

/** The inputs of one task, with where in the job file they stand. */
export interface WrittenTask {
  readonly path: string
  readonly inputs: Readonly<Record<string, InputSource>>
}

const readable = (tasks: readonly unknown[]): WrittenTask[] =>
  tasks.flatMap((task, index) => {
    const parsed = taskSchema.safeParse(task)
    return parsed.success ? [{ path: `tasks[${index}].inputs`, inputs: parsed.data.inputs }] : []
  })

/**
 * The tasks of a job file, one by one, those left out that are not of the schema. Files of a pattern come in the order of
 * their names.
 */
export const expandTasks = async (value: unknown, directory: string): Promise<WrittenTask[] | Issue> => {
  if (Array.isArray(value)) return readable(value)
  const parsed = tasksSchema.safeParse(value)
  if (!parsed.success) return []
  const tasks = parsed.data
  if (Array.isArray(tasks)) return []
  if ('count' in tasks) {
    return Array.from({ length: tasks.count }, () => ({ path: 'tasks.inputs', inputs: tasks.inputs }))
  }
  const [[name, pattern] = ['', '']] = Object.entries(tasks.forEach)
  const files: string[] = []
  for await (const file of glob(pattern, { cwd: directory })) files.push(file)
  if (files.length === 0) {
    return {
      path: `tasks.forEach.${name}`,
      expected: 'a pattern that matches files',
      found: `none for ${pattern} in ${path.resolve(directory)}`,
    }
  }
  return files
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((file) => ({ path: `tasks.forEach[${JSON.stringify(file)}]`, inputs: { ...tasks.inputs, [name]: file } }))
}
