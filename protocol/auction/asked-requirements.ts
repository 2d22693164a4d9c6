import type { Demand } from './match-offers.ts'

/** The requirements of a demand that an offer may fail, by the names of `failedRequirements`, slots aside; likeliest first. */
export const askedRequirements = ({ resources, placement, execSpec = '', lease }: Demand): string[] => {
  const { gpu, network, gflops, reproducible } = resources
  const { regions, countries, operators = [], providers, excludeProviders, attributes, signedBy } = placement
  const asked: readonly (readonly [requirement: string, isAsked: boolean])[] = [
    ['price', true],
    ['price.per', true],
    ['placement.regions', regions.length > 0],
    ['placement.countries', countries.length > 0],
    ['resources.gpu.models', gpu !== undefined && gpu.models.length > 0],
    ['resources.gpu.vramBytes', gpu !== undefined && gpu.vramBytes > 0],
    ['resources.gpu.interfaces', gpu !== undefined && gpu.interfaces.length > 0],
    ['resources.gpu.vendors', gpu !== undefined && gpu.vendors.length > 0],
    ['resources.gpu', gpu !== undefined],
    ['resources.gpuCount', resources.gpuCount > 0],
    ['resources.memoryBytes', true],
    ['resources.cpuMilli', true],
    ['resources.diskBytes', resources.diskBytes > 0],
    ['resources.network.downMbps', network !== undefined && network.downMbps > 0],
    ['resources.network.upMbps', network !== undefined && network.upMbps > 0],
    ['resources.gflops', gflops !== undefined],
    ['resources.reproducible', reproducible !== undefined],
    ['runtime', true],
    ['execSpec', execSpec !== ''],
    ...Object.keys(attributes).map((name) => [`placement.attributes.${name}`, true] as const),
    ['placement.signedBy.anyOf', (signedBy?.anyOf ?? []).length > 0],
    ['placement.signedBy.allOf', (signedBy?.allOf ?? []).length > 0],
    ['placement.operators', operators.length > 0],
    ['placement.providers', providers.length > 0],
    ['placement.excludeProviders', excludeProviders.length > 0],
    ['lease.kind', true],
    ['lease.term', true],
    ['lease.minNotice', lease?.kind === 'spot'],
    ['maintenance', true],
    ['expiry', true],
  ]
  return asked.flatMap(([requirement, isAsked]) => (isAsked ? [requirement] : []))
}
