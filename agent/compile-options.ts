import type { Address, Gpu, GpuInterface, Log, Network, SignedAttestation } from '@muster/protocol'
import { compileCapacity } from './device/compile-capacity.ts'
import type { Device } from './device/device.ts'
import { agentOptions, type AgentOptions, type OwnerOptions } from './options.ts'
import type { PricePolicy } from './price/price-policy.ts'
import type { DefaultedAgentOptions } from './written-options.ts'

const mebibyte = 2 ** 20
/** With `idleOnly` and no threshold written: above this share somebody is at work. */
const idleShare = 0.1

const bytesOf = (mib: number | null): number | null => (mib === null ? null : mib * mebibyte)

const ownerOf = (written: DefaultedAgentOptions): OwnerOptions | null => {
  const { idleOnly, ownerCpuPercent, ownerSampleMs, ownerSamples, ownerQuietMs } = written
  if (!idleOnly && ownerCpuPercent === null) return null
  return {
    busyShare: ownerCpuPercent === null ? idleShare : ownerCpuPercent / 100,
    sampleMs: ownerSampleMs,
    busySamples: ownerSamples,
    quietMs: ownerQuietMs,
  }
}

const networkOf = ({ downMbps, upMbps }: DefaultedAgentOptions): Network | null =>
  downMbps === null && upMbps === null ? null : { downMbps: downMbps ?? 0, upMbps: upMbps ?? 0 }

const withInterface = (gpu: Gpu, connection: GpuInterface | null): Gpu =>
  connection === null ? gpu : { ...gpu, interface: connection }

/** The options the agent works with, from what was written and what this machine has. */
export const compileOptions = (
  written: DefaultedAgentOptions,
  found: {
    readonly device: Device
    readonly markets: readonly Address[]
    readonly prices: PricePolicy
    readonly attestations: readonly SignedAttestation[]
  },
  log: Log,
): AgentOptions => {
  const cacheBytes = written.cacheMib * mebibyte
  const { capacity, gpus } = compileCapacity(
    found.device,
    {
      cores: written.cores,
      memoryBytes: bytesOf(written.memoryMib),
      diskBytes: bytesOf(written.diskMib),
      gpus: written.gpus,
      cacheBytes,
    },
    log,
  )
  return agentOptions({
    chainId: written.chainId,
    markets: found.markets,
    prices: found.prices,
    capacity,
    gpus: gpus.map((gpu) => withInterface(gpu, written.gpuInterface)),
    region: written.region,
    country: written.country,
    attributes: written.attributes,
    operator: written.operator,
    network: networkOf(written),
    gflops: written.gflops,
    attestations: found.attestations,
    slot: {
      cpuMilli: written.slotCpuMilli,
      memoryBytes: written.slotMemoryMib * mebibyte,
      diskBytes: written.slotDiskMib * mebibyte,
      gpuCount: written.slotGpus,
    },
    maxSlots: written.maxSlots,
    reservedShare: written.reservedPercent === null ? null : written.reservedPercent / 100,
    maxBlobBytes: Math.min(2 ** 30, cacheBytes),
    maintenance: written.maintenance,
    offerTtlMs: written.offerTtlMs,
    noticeMs: written.noticeMs,
    drainMs: written.drainMs,
    owner: ownerOf(written),
  })
}
