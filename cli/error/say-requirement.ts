import { formatUsd } from '@muster/sdk'
import { formatBytes } from '../format/format-bytes.ts'
import { formatCores } from '../format/format-record.ts'

export interface Requirement {
  readonly requirement: string
  readonly expected: string
  readonly found: string
}

const inUnits = (text: string, say: (value: number) => string): string =>
  text.replace(/\d{1,15}/g, (digits) => say(Number(digits)))

const names: Readonly<Record<string, string>> = {
  'resources.gpu': 'GPUs',
  'resources.gpu.vendors': 'GPU vendor',
  'resources.gpu.models': 'GPU model',
  'resources.gpu.interfaces': 'GPU interface',
  'placement.operators': 'operator',
  'placement.signedBy.anyOf': 'signed by any of',
  'placement.signedBy.allOf': 'signed by all of',
  execSpec: 'runtime version',
  'resources.gflops': 'GFLOP/s a slot',
  'resources.reproducible': 'reproduces',
  'price.per': 'priced by the',
  'lease.kind': 'kind of lease',
  'lease.minNotice': 'notice of its end',
}

const units: readonly (readonly [pattern: RegExp, name: string, say: (value: number) => string])[] = [
  [/^resources\.cpuMilli$/, 'cores a slot', formatCores],
  [/^resources\.memoryBytes$/, 'memory a slot', formatBytes],
  [/^resources\.diskBytes$/, 'disk a slot', formatBytes],
  [/^resources\.gpuCount$/, 'GPUs a slot', String],
  [/^resources\.gpu\.vramBytes$/, 'memory of each GPU', formatBytes],
  [/^resources\.network\.downMbps$/, 'Mbit/s to the machine', String],
  [/^resources\.network\.upMbps$/, 'Mbit/s from the machine', String],
  [/^price$/, 'price', (value) => formatUsd(BigInt(value))],
]

/** A requirement and what was found of it, in the units people use; the API speaks in base units. */
export const sayRequirement = ({ requirement, expected, found }: Requirement): Requirement => {
  const unit = units.find(([pattern]) => pattern.test(requirement))
  const plain = (text: string) => text.replace(/ nano-dollars$/, '')
  if (unit === undefined)
    return { requirement: names[requirement] ?? requirement.replace(/^placement\./, ''), expected, found }
  const [, name, say] = unit
  return { requirement: name, expected: inUnits(plain(expected), say), found: inUnits(plain(found), say) }
}
