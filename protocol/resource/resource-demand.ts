import { z } from 'zod'
import { gpuModelOf } from './gpu-model.ts'
import { gflopsSchema, gpuInterfaces, gpuVendors, networkSchema, resourcesSchema, type Gpu } from './resources.ts'

const modelSchema = z
  .string()
  .regex(/^[a-z0-9]{1,40}$/, { error: 'expected a model in one word of a-z and 0-9, such as h100 or rtx4090' })
  .refine((model) => gpuModelOf(model) === model, {
    error: 'expected a model without its maker, memory and interface, which have fields of their own',
  })

/** What kind of GPUs is wanted; an empty list allows every kind. */
export const gpuDemandSchema = z.strictObject({
  vendors: z.array(z.enum(gpuVendors)).max(8).default([]),
  /** As `gpuModelOf` writes them. */
  models: z.array(modelSchema).max(64).default([]),
  /** Of each GPU. */
  vramBytes: z
    .int()
    .min(0)
    .max(2 ** 50)
    .default(0),
  interfaces: z.array(z.enum(gpuInterfaces)).max(8).default([]),
})

export type GpuDemand = z.output<typeof gpuDemandSchema>

/**
 * What an order asks of one slot: how much, which GPUs, what network its machine has, how fast it is, and that it reproduced the
 * pinned outputs. What is absent may be anything.
 */
export const resourceDemandSchema = resourcesSchema
  .extend({
    gpu: gpuDemandSchema.exactOptional(),
    network: networkSchema.exactOptional(),
    gflops: gflopsSchema.exactOptional(),
    reproducible: z.literal(true).exactOptional(),
  })
  .refine(({ gpu, gpuCount }) => gpu === undefined || gpuCount > 0, {
    path: ['gpuCount'],
    error: 'expected at least 1 where a kind of GPU is asked for',
  })

export type ResourceDemand = z.output<typeof resourceDemandSchema>

const allows = <Item>(list: readonly Item[], item: Item | undefined): boolean =>
  list.length === 0 || (item !== undefined && list.includes(item))

/** The fields of a demand that this GPU does not meet. */
export const failedGpuFields = (demand: GpuDemand, gpu: Gpu): (keyof GpuDemand)[] => {
  const met: Record<keyof GpuDemand, boolean> = {
    vendors: allows(demand.vendors, gpu.vendor),
    models: allows(demand.models, gpuModelOf(gpu.model)),
    vramBytes: gpu.vramBytes >= demand.vramBytes,
    interfaces: allows(demand.interfaces, gpu.interface),
  }
  return (Object.keys(met) as (keyof GpuDemand)[]).filter((field) => !met[field])
}
