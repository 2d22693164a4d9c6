import {
  addressSchema,
  amountSchema,
  attributesSchema,
  auctionPricings,
  coresSchema,
  durationSchema,
  gflopsSchema,
  gpuInterfaces,
  gpuVendors,
  leastWindowMs,
  mostWindowMs,
  leaseKindSchema,
  nameSchema,
  runtimeKindSchema,
  sizeSchema,
  writtenPriceSchema,
} from '@muster/protocol'
import { dtypes, type Dtype } from '@muster/sdk'
import { z } from 'zod'

const dtypeSchema = z.enum(dtypes as [Dtype, ...Dtype[]])
const dimsSchema = z.array(z.int().min(0)).max(8)

/** Where the bytes of an input come from. */
const inputSourceSchema = z
  .union([
    z.string().min(1, { error: 'expected a path or a CID' }),
    z.strictObject({ file: z.string().min(1), dtype: dtypeSchema.optional(), dims: dimsSchema.optional() }),
    z.strictObject({ values: z.array(z.number()), dtype: dtypeSchema, dims: dimsSchema.optional() }),
  ])
  .meta({
    description:
      'A path of a .tensor or .npy file, the CID of a stored tensor, {file, dtype, dims} for raw little-endian elements, or {values, dtype, dims}.',
  })
export type InputSource = z.output<typeof inputSourceSchema>

const inputsSchema = z.record(z.string().min(1).max(256), inputSourceSchema)

export const taskSchema = z.strictObject({ inputs: inputsSchema.default({}) })

export const tasksSchema = z
  .union([
    z.array(taskSchema).min(1).max(10_000),
    z.strictObject({ count: z.int().min(1).max(10_000), inputs: inputsSchema.default({}) }),
    z.strictObject({
      forEach: z
        .record(z.string().min(1).max(256), z.string().min(1))
        .refine((entry) => Object.keys(entry).length === 1, { error: 'expected one input and its pattern' }),
      inputs: inputsSchema.default({}),
    }),
  ])
  .meta({
    description:
      'A list of tasks; {count, inputs} for as many alike; or {forEach: {input: "pages/*.tensor"}, inputs} for one task per file.',
  })

export const programFieldSchema = z
  .string()
  .min(1)
  .meta({ description: 'A path of an .onnx file, or the CID of a published program.' })

const gpuVendorSchema = z.enum(gpuVendors)
const gpuInterfaceSchema = z.enum(gpuInterfaces)

const country = z.string().regex(/^[A-Z]{2}$/, { error: 'expected a country of two capitals, such as DE' })

/** Models in the words of the protocol: `RTX 4090` and `rtx-4090` are `rtx4090`. */
const modelWordSchema = z.string().transform((text) => text.toLowerCase().replaceAll(/[ _-]/g, ''))

const gpuWishSchema = z
  .strictObject({
    count: z.int().min(1).max(1024).default(1),
    vendor: z.union([gpuVendorSchema, z.array(gpuVendorSchema).max(8)]).optional(),
    model: z.union([modelWordSchema, z.array(modelWordSchema).max(64)]).optional(),
    vram: sizeSchema.optional(),
    interface: z.union([gpuInterfaceSchema, z.array(gpuInterfaceSchema).max(8)]).optional(),
  })
  .meta({
    description:
      'What GPUs a slot needs: {count: 2, model: [h100, h200], vram: 80GB, interface: sxm}; what is left out may be anything. vram is of each GPU.',
  })
export type GpuWish = z.output<typeof gpuWishSchema>

/** A job as people write it, in YAML or JSON. Units are in the values; what has a default may be left out. */
export const jobFileSchema = z
  .strictObject({
    apiVersion: z.literal('muster/v1'),
    kind: z.literal('batch').default('batch'),
    name: nameSchema.optional().meta({ description: 'Default: the name of the file.' }),
    runtime: runtimeKindSchema.optional().meta({ description: 'Default: graph where there is a program, else noop.' }),
    program: programFieldSchema.optional(),
    tasks: tasksSchema,
    slots: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .meta({ description: 'Slots at once, at most. Default: a slot a task, up to 64.' }),
    resources: z
      .strictObject({
        cpu: coresSchema.default(1000),
        memory: sizeSchema.default(2 ** 29),
        disk: sizeSchema.default(0),
        gpu: z.union([z.int().min(0).max(1024), gpuWishSchema]).default(0),
        network: z
          .strictObject({
            down: z.int().min(0).max(10_000_000).default(0),
            up: z.int().min(0).max(10_000_000).default(0),
          })
          .optional()
          .meta({ description: 'Megabits a second to and from the machine.' }),
        gflops: gflopsSchema
          .optional()
          .meta({ description: 'GFLOP/s of a slot in the pinned runtime, at least: as the market measured it.' }),
        reproducible: z
          .literal(true)
          .optional()
          .meta({ description: 'Only machines that gave the pinned outputs of the runtime.' }),
      })
      .optional()
      .meta({ description: 'Per slot. Default: 1 core, 512MiB of memory, no disk.' }),
    placement: z
      .strictObject({
        regions: z.array(nameSchema).max(64).optional(),
        countries: z.array(country).max(64).optional(),
        providers: z.array(addressSchema).max(256).optional(),
        excludeProviders: z.array(addressSchema).max(256).optional(),
        attributes: attributesSchema.optional(),
        operators: z.array(nameSchema).max(64).optional(),
        signedBy: z
          .strictObject({
            anyOf: z.array(addressSchema).max(32).default([]),
            allOf: z.array(addressSchema).max(32).default([]),
          })
          .optional()
          .meta({
            description: 'Auditors who must have signed the attributes asked for: any of some, and all of others.',
          }),
      })
      .optional()
      .meta({ description: 'Where it may run; what is left out allows everything.' }),
    lease: z
      .strictObject({
        kind: leaseKindSchema,
        term: durationSchema.optional(),
        minNotice: durationSchema.optional(),
      })
      .optional()
      .meta({
        description:
          'The lease wanted: on-demand (the default); spot, which the provider may end with the notice of its offer, at least minNotice; reserved, which lasts for its term.',
      }),
    award: z.enum(['lowest', 'effective']).optional(),
    auction: z
      .strictObject({
        window: durationSchema.pipe(z.int().min(leastWindowMs).max(mostWindowMs)),
        pricing: z.enum(auctionPricings).default('second-price'),
      })
      .optional()
      .meta({
        description:
          'Sealed bids in place of standing offers: the window (20ms to 60s), and what winners are paid. Default of pricing: second-price.',
      }),
    maxPrice: writtenPriceSchema,
    ceiling: amountSchema
      .optional()
      .meta({ description: 'The most the job may cost. Default: what all tasks may cost at maxPrice.' }),
    limits: z
      .strictObject({ timeout: durationSchema.optional(), failures: z.int().min(1).max(20).optional() })
      .optional()
      .meta({
        description: 'Of one task: wall time of an attempt (default 10m), failures before it is given up (default 3).',
      }),
    verify: z.enum(['none']).optional(),
  })
  .meta({ title: 'Muster job', description: 'A job file for `muster job submit`: muster/v1.' })

export type JobFile = z.output<typeof jobFileSchema>
