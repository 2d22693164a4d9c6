import type { Command } from 'commander'
import type { Act } from '../command/build-program.ts'
import { wholeNumber } from '../command/whole-number.ts'
import { cancelJob } from './cancel-job.ts'
import { explainJob } from './explain-job.ts'
import { fetchJob } from './fetch-outputs.ts'
import { listJobs } from './list-jobs.ts'
import { resizeJob } from './resize-job.ts'
import { showJob } from './show-job.ts'
import { showLogs } from './show-logs.ts'
import { submitJob, type SubmitOptions } from './submit-job.ts'
import { watchJob } from './watch-job.ts'

export const addJobCommands = (program: Command, act: Act): void => {
  const job = program.command('job').description('submit jobs and see what becomes of them')
  job
    .command('submit <file>')
    .description('check, upload and submit a job file (YAML or JSON)')
    .option('-w, --watch', 'stay until the job is closed')
    .option('--fetch <directory>', 'stay, and fetch the outputs')
    .option('--dry-run', 'check only; nothing is sent')
    .action((file: string, options: SubmitOptions, command: Command) =>
      act(command.optsWithGlobals(), (session) => submitJob(session, file, options)),
    )
  job
    .command('list')
    .description('your jobs, newest first')
    .option('--limit <count>', 'at most so many', wholeNumber(1, 200), 20)
    .option('--before <job>', 'those older than this one')
    .action((options: { limit: number; before?: string }, command: Command) =>
      act(command.optsWithGlobals(), (session) => listJobs(session, options)),
    )
  job
    .command('show <job>')
    .description('one job and its tasks')
    .option('--all', 'every task')
    .action((id: string, options: { all?: boolean }, command: Command) =>
      act(command.optsWithGlobals(), (session) => showJob(session, id, options)),
    )
  job
    .command('watch <job>')
    .description('what happens to a job, as it happens')
    .option('--after <event>', 'begin after this event', wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .action((id: string, options: { after: number }, command: Command) =>
      act(command.optsWithGlobals(), (session) => watchJob(session, id, options)),
    )
  job
    .command('logs <part>')
    .description('what attempts wrote: <job>, <job>.<task> or <job>.<task>.<attempt>')
    .action((part: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => showLogs(session, part)),
    )
  job
    .command('resize <job>')
    .description('how many slots a job has at once, from now on')
    .requiredOption('--slots <count>', 'that many', wholeNumber(1, 10_000))
    .action((id: string, options: { slots: number }, command: Command) =>
      act(command.optsWithGlobals(), (session) => resizeJob(session, id, options)),
    )
  job
    .command('cancel <job>')
    .description('withdraw what has not started and stop what runs; what is accepted stays paid')
    .action((id: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => cancelJob(session, id)),
    )
  job
    .command('fetch <part> [directory]')
    .description('write outputs to files: of a <job>, or of one <job>.<task>')
    .option('--npy', 'as .npy files')
    .action((part: string, directory: string | undefined, options: { npy?: boolean }, command: Command) =>
      act(command.optsWithGlobals(), (session) => fetchJob(session, part, directory, options)),
    )
  job
    .command('explain <file-or-job>')
    .description('what a job file would get now; or why a job is where it is')
    .action((given: string, _: unknown, command: Command) =>
      act(command.optsWithGlobals(), (session) => explainJob(session, given)),
    )
}
