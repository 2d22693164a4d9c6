import { execFile } from 'node:child_process'
import type { GpuFigures } from '@muster/protocol'

const query = [
  '--query-gpu=uuid,name,memory.total,driver_version,clocks.max.graphics,clocks.max.memory',
  '--format=csv,noheader,nounits',
]
const timeoutMs = 5_000
const mebibyte = 2 ** 20

const whole = (text: string | undefined): number => {
  const number = Number(text)
  return Number.isInteger(number) && number >= 0 && number <= 100_000 ? number : 0
}

/** GPUs from the lines of `nvidia-smi`; a line that cannot be read is left out. */
export const parseGpuFigures = (text: string): GpuFigures[] =>
  text.split('\n').flatMap((line) => {
    const [uuid = '', model = '', mib = '', driver = '', core, memory] = line.split(',').map((field) => field.trim())
    if (!/^GPU-[0-9a-f-]{36}$/.test(uuid) || !/^\d{1,9}$/.test(mib)) return []
    return [
      {
        uuid,
        model: model.slice(0, 80),
        vramBytes: Number(mib) * mebibyte,
        driver: driver.slice(0, 40),
        coreMhz: whole(core),
        memoryMhz: whole(memory),
      },
    ]
  })

/**
 * What the driver says of the NVIDIA GPUs; none where it says nothing. No figure of computing: no runtime of this release runs on a
 * GPU, so there is nothing to measure it by.
 */
export const readGpuFigures = (command: string): Promise<GpuFigures[]> =>
  new Promise((resolve) => {
    execFile(command, query, { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 20 }, (error, stdout) =>
      resolve(error === null ? parseGpuFigures(stdout) : []),
    )
  })
