import type { Gpu, GpuInterface } from '@muster/protocol'

/** A kind of GPU as it is rented out: its share of listings, and dollars an hour for one. */
export interface ListedGpu {
  readonly weight: number
  readonly vendor: Gpu['vendor']
  readonly model: string
  readonly vramGib: number
  readonly connection: GpuInterface
  readonly usdPerHour: number
}

const nvidia = (
  weight: number,
  model: string,
  vramGib: number,
  usdPerHour: number,
  connection: GpuInterface = 'pcie',
): ListedGpu => ({ weight, vendor: 'nvidia', model: `NVIDIA ${model}`, vramGib, connection, usdPerHour })

/** Round figures for what open GPU markets list in 2026: many consumer cards, some of each datacentre card. */
export const gpuMarket: readonly ListedGpu[] = [
  nvidia(16, 'GeForce RTX 4090', 24, 0.36),
  nvidia(12, 'GeForce RTX 3090', 24, 0.2),
  nvidia(6, 'GeForce RTX 5090', 32, 0.55),
  nvidia(5, 'GeForce RTX 3080', 10, 0.12),
  nvidia(6, 'GeForce RTX 3060', 12, 0.08),
  nvidia(4, 'GeForce RTX 4080', 16, 0.24),
  nvidia(4, 'GeForce RTX 4070 Ti', 12, 0.16),
  nvidia(3, 'GeForce RTX 4060 Ti', 16, 0.12),
  nvidia(2, 'GeForce RTX 3070', 8, 0.09),
  nvidia(4, 'RTX A4000', 16, 0.14),
  nvidia(3, 'RTX A5000', 24, 0.22),
  nvidia(4, 'RTX A6000', 48, 0.46),
  nvidia(3, 'RTX 6000 Ada Generation', 48, 0.75),
  nvidia(3, 'L4', 24, 0.36),
  nvidia(3, 'L40S', 48, 0.86),
  nvidia(1, 'L40', 48, 0.7),
  nvidia(2, 'A10', 24, 0.3),
  nvidia(2, 'A40', 48, 0.4),
  nvidia(3, 'Tesla T4', 16, 0.15),
  nvidia(2, 'Tesla V100-SXM2-32GB', 32, 0.28, 'sxm'),
  nvidia(1, 'Tesla V100-PCIE-16GB', 16, 0.2),
  nvidia(2, 'A100-PCIE-40GB', 40, 0.8),
  nvidia(2, 'A100 80GB PCIe', 80, 1.05),
  nvidia(3, 'A100-SXM4-80GB', 80, 1.25, 'sxm'),
  nvidia(2, 'H100 PCIe', 80, 1.95),
  nvidia(5, 'H100 80GB HBM3', 80, 2.3, 'sxm'),
  nvidia(1, 'H100 NVL', 94, 2.1),
  nvidia(2, 'H200', 141, 2.65, 'sxm'),
  nvidia(1, 'B200', 180, 4.4, 'sxm'),
  { weight: 1, vendor: 'amd', model: 'AMD Instinct MI300X', vramGib: 192, connection: 'oam', usdPerHour: 1.95 },
  { weight: 1, vendor: 'amd', model: 'AMD Radeon RX 7900 XTX', vramGib: 24, connection: 'pcie', usdPerHour: 0.24 },
  { weight: 1, vendor: 'apple', model: 'Apple M2 Ultra', vramGib: 128, connection: 'soc', usdPerHour: 0.9 },
]

export interface ListedRegion {
  readonly weight: number
  readonly region: string
  readonly country: string
}

export const regions: readonly ListedRegion[] = [
  ['us-east', 'US', 14],
  ['us-west', 'US', 10],
  ['us-central', 'US', 8],
  ['ca-east', 'CA', 4],
  ['eu-west', 'NL', 6],
  ['eu-central', 'DE', 8],
  ['eu-north', 'SE', 5],
  ['eu-south', 'ES', 3],
  ['fr-paris', 'FR', 5],
  ['uk-london', 'GB', 4],
  ['no-oslo', 'NO', 3],
  ['fi-helsinki', 'FI', 3],
  ['is-reykjavik', 'IS', 2],
  ['pl-warsaw', 'PL', 3],
  ['cz-prague', 'CZ', 2],
  ['ro-bucharest', 'RO', 2],
  ['bg-sofia', 'BG', 2],
  ['in-mumbai', 'IN', 3],
  ['sg-singapore', 'SG', 3],
  ['jp-tokyo', 'JP', 3],
  ['kr-seoul', 'KR', 2],
  ['au-sydney', 'AU', 2],
  ['br-saopaulo', 'BR', 2],
  ['za-capetown', 'ZA', 1],
].map(([region, country, weight]) => ({ region: String(region), country: String(country), weight: Number(weight) }))
