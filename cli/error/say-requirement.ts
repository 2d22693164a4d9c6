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

const units: readonly (readonly [pattern: RegExp, name: string, say: (value: number) => string])[] = [
  [/^resources\.cpuMilli$/, 'cores a slot', formatCores],
  [/^resources\.memoryBytes$/, 'memory a slot', formatBytes],
  [/^resources\.diskBytes$/, 'disk a slot', formatBytes],
  [/^resources\.gpuCount$/, 'GPUs a slot', String],
  [/^price$/, 'price', (value) => formatUsd(BigInt(value))],
]

/** A requirement and what was found of it, in the units people use; the API speaks in base units. */
export const sayRequirement = ({ requirement, expected, found }: Requirement): Requirement => {
  const unit = units.find(([pattern]) => pattern.test(requirement))
  const plain = (text: string) => text.replace(/ nano-dollars$/, '')
  if (unit === undefined) return { requirement: requirement.replace(/^placement\./, ''), expected, found }
  const [, name, say] = unit
  return { requirement: name, expected: inUnits(plain(expected), say), found: inUnits(plain(found), say) }
}
