import { MusterError, type Gpu } from '@muster/protocol'
import { execFile } from 'node:child_process'
import { gpuInterfaceOf } from './gpu-interface.ts'

const query = ['--query-gpu=uuid,name,memory.total', '--format=csv,noheader,nounits']
const mebibyte = 2 ** 20

const unreadable = (line: string): MusterError =>
  new MusterError({
    code: 'internal',
    message: 'What nvidia-smi says of the GPUs of this machine cannot be read, so none is sold.',
    facts: { expected: '<uuid>, <name>, <memory in MiB>', found: line.slice(0, 200) },
    fault: 'machine',
  })

/** GPUs from the lines of `nvidia-smi --query-gpu=uuid,name,memory.total --format=csv,noheader,nounits`. Throws `internal`, naming the line. */
export const parseGpus = (text: string): Gpu[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^(GPU-[0-9a-f-]{36}),\s*(.{1,80}?),\s*(\d+)$/.exec(line)
      if (match === null) throw unreadable(line)
      const [, uuid = '', model = '', mib = ''] = match
      const connection = gpuInterfaceOf(model)
      return {
        uuid,
        vendor: 'nvidia',
        model,
        vramBytes: Number(mib) * mebibyte,
        ...(connection === undefined ? {} : { interface: connection }),
      }
    })

/**
 * The NVIDIA GPUs of this machine by UUID; none where `nvidia-smi` is not installed.
 * Throws `timeout` where it does not answer in `timeoutMs`, `internal` where it fails or what it says cannot be read.
 */
export const queryGpus = (command: string, timeoutMs: number): Promise<Gpu[]> =>
  new Promise((resolve, reject) => {
    execFile(
      command,
      query,
      { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 20 },
      (error, stdout, stderr) => {
        if (error === null) {
          try {
            resolve(parseGpus(stdout))
          } catch (refused) {
            reject(refused as MusterError)
          }
          return
        }
        if (error.code === 'ENOENT') return resolve([])
        const isLate = error.killed === true
        reject(
          new MusterError({
            code: isLate ? 'timeout' : 'internal',
            message: isLate
              ? `nvidia-smi did not answer in ${timeoutMs} ms, so no GPU is sold.`
              : 'nvidia-smi failed, so no GPU is sold.',
            facts: { command, exit: error.code ?? null, said: `${stdout}${stderr}`.trim().slice(0, 500) },
            fault: 'machine',
            cause: error,
          }),
        )
      },
    )
  })
