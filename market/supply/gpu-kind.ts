import { gpuModelOf, type Gpu, type GpuDemand } from '@muster/protocol'

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

const partsOf = remembered((kind) => kind.split(',').map((each) => each.split(' ')))

const isAllowed = (list: readonly string[], text: string): boolean => list.length === 0 || list.includes(text)

/** Whether GPUs of this kind are what is asked for, their memory aside: each of them. */
export const isKindWanted = (kind: string, demand: GpuDemand): boolean =>
  kind !== '' &&
  partsOf(kind).every(
    ([vendor = '', model = '', connection = '']) =>
      isAllowed(demand.vendors, vendor) && isAllowed(demand.models, model) && isAllowed(demand.interfaces, connection),
  )
