import type { Gpu, Log } from '@muster/protocol'
import { statfs } from 'node:fs/promises'
import os from 'node:os'
import type { Device } from './device.ts'
import { queryGpus } from './query-gpus.ts'

const gpuTimeoutMs = 5000

const detectGpus = async (command: string, log: Log): Promise<readonly Gpu[]> => {
  try {
    return await queryGpus(command, gpuTimeoutMs)
  } catch (error) {
    log.warn('no GPU is sold', { error })
    return []
  }
}

/**
 * Cores this process may run on (affinity and cgroup quota), memory it may use (physical, or the cgroup's limit where that
 * is lower), free disk where its data lies, and NVIDIA GPUs.
 */
export const detectDevice = async (
  { dataDirectory, nvidiaSmi }: { readonly dataDirectory: string; readonly nvidiaSmi: string },
  log: Log,
): Promise<Device> => {
  const limit = process.constrainedMemory()
  const physical = os.totalmem()
  const { bavail, bsize } = await statfs(dataDirectory)
  return {
    cores: os.availableParallelism(),
    memoryBytes: limit > 0 ? Math.min(limit, physical) : physical,
    diskBytes: bavail * bsize,
    gpus: await detectGpus(nvidiaSmi, log),
  }
}
