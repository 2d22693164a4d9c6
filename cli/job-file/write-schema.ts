import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { jobSchemaText } from './job-schema.ts'

await writeFile(path.join(import.meta.dirname, '../../docs/spec/job.schema.json'), jobSchemaText())
