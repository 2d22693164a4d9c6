import { gpuModelOf, type Gpu } from '@muster/protocol'

/** Remembers what a function made of the last few thousand texts. */
const remembered = <Made>(make: (text: string) => Made): ((text: string) => Made) => {
  const known = new Map<string, Made>()
  return (text) => {
    const found = known.get(text)
    if (found !== undefined) return found
    const made = make(text)
    if (known.size >= 4_096) known.clear()
    known.set(text, made)
    return made
  }
}

const modelOf = remembered(gpuModelOf)

/** What the GPUs of an offer are, without their memory, as one text: the same for offers that are as good. Empty where none is named. */
export const gpuKindOf = (gpus: readonly Gpu[]): string => {
  let only = ''
  let kinds: Set<string> | undefined
  let last: Gpu | undefined
  for (const gpu of gpus) {
    if (
      last !== undefined &&
      gpu.model === last.model &&
      gpu.vendor === last.vendor &&
      gpu.interface === last.interface
    )
      continue
    last = gpu
    const kind = `${gpu.vendor} ${modelOf(gpu.model)} ${gpu.interface ?? ''}`
    if (only === '' || only === kind) only = kind
    else kinds = (kinds ?? new Set([only])).add(kind)
  }
  return kinds === undefined ? only : [...kinds].toSorted().join(',')
}

/** One kind of card among those of an offer: vendor, model and interface, which may be unknown. */
export type GpuParts = readonly string[]

/** The kinds of card that a kind of offer names; none where it names no GPU. */
export const gpuPartsOf = remembered((kind): readonly GpuParts[] =>
  kind === '' ? [] : kind.split(',').map((each) => each.split(' ')),
)

/** Which cards are wanted: lists of vendors, models and interfaces, where an empty one allows all. */
export interface WantedGpus {
  /** Whether offers will do that name no card. */
  readonly mayBeUnnamed: boolean
  readonly lists: readonly [vendors: readonly string[], models: readonly string[], interfaces: readonly string[]]
}

/** Whether GPUs of this kind are what is asked for, their memory aside: each of them. */
export const isKindWanted = (kind: string, { mayBeUnnamed, lists }: WantedGpus): boolean =>
  (mayBeUnnamed || kind !== '') &&
  gpuPartsOf(kind).every((parts) =>
    lists.every((list, field) => list.length === 0 || list.includes(parts[field] ?? '')),
  )
