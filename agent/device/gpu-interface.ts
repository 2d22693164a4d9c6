import type { GpuInterface } from '@muster/protocol'

/** Names that say how the GPU is attached, and those of families that come in one form only. */
const forms: readonly (readonly [pattern: RegExp, connection: GpuInterface])[] = [
  [/\bSXM\d?\b|\bHBM3\b|\bH200$|\bB200$|\bB300$/i, 'sxm'],
  [/\bPCIe\b|\bNVL\b/i, 'pcie'],
  [/\bGeForce\b(?!.*(Laptop|Max-Q|Mobile))|\b(RTX|Quadro)\b(?!.*(Laptop|Max-Q|Mobile))/i, 'pcie'],
  [/\b(T4|L4|L40S?|A2|A10G?|A16|A30|A40)$/i, 'pcie'],
]

/** How a GPU of this name is attached, where its name tells; `undefined` is better than a guess. */
export const gpuInterfaceOf = (name: string): GpuInterface | undefined =>
  forms.find(([pattern]) => pattern.test(name))?.[1]
