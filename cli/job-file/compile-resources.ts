import type { JobSpec } from '@muster/sdk'
import type { GpuWish, JobFile } from './job-file.ts'

const listOf = <Item>(written: Item | readonly Item[] | undefined): Item[] =>
  written === undefined ? [] : Array.isArray(written) ? [...(written as readonly Item[])] : [written as Item]

const compileGpu = (gpu: number | GpuWish): Pick<JobSpec['resources'], 'gpuCount' | 'gpu'> => {
  if (typeof gpu === 'number') return { gpuCount: gpu }
  const { count, vendor, model, vram, interface: connection } = gpu
  const isAny = vendor === undefined && model === undefined && vram === undefined && connection === undefined
  if (isAny) return { gpuCount: count }
  const kind = {
    vendors: listOf(vendor),
    models: listOf(model),
    vramBytes: vram ?? 0,
    interfaces: listOf(connection),
  }
  return { gpuCount: count, gpu: kind }
}

/** What a slot needs in the terms of the API, from what a job file says and what it leaves out. */
export const compileResources = (written: JobFile['resources']): JobSpec['resources'] => ({
  cpuMilli: written?.cpu ?? 1000,
  memoryBytes: written?.memory ?? 2 ** 29,
  diskBytes: written?.disk ?? 0,
  ...compileGpu(written?.gpu ?? 0),
  ...(written?.network === undefined
    ? {}
    : { network: { downMbps: written.network.down, upMbps: written.network.up } }),
  ...(written?.gflops === undefined ? {} : { gflops: written.gflops }),
  ...(written?.reproducible === undefined ? {} : { reproducible: written.reproducible }),
})
