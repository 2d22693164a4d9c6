import { glob } from 'node:fs/promises'
import path from 'node:path'
import type { Issue } from '@muster/sdk'
import type { InputSource, WrittenTasks } from './job-file.ts'

/** The inputs of one task, with where in the job file they stand. */
export interface WrittenTask {
  readonly path: string
  readonly inputs: Readonly<Record<string, InputSource>>
}

/** The tasks of a job file, one by one. Files of a pattern come in the order of their names. */
export const expandTasks = async (tasks: WrittenTasks, directory: string): Promise<WrittenTask[] | Issue> => {
  if (Array.isArray(tasks)) return tasks.map(({ inputs }, index) => ({ path: `tasks[${index}].inputs`, inputs }))
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
