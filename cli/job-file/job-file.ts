import { addressSchema, attributesSchema, nameSchema, runtimeKindSchema } from '@muster/protocol'
import { dtypes, type Dtype } from '@muster/sdk'
import { z } from 'zod'
import { amountSchema, coresSchema, durationSchema, sizeSchema, writtenPriceSchema } from './units.ts'

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

const country = z.string().regex(/^[A-Z]{2}$/, { error: 'expected a country of two capitals, such as DE' })

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
        gpu: z.int().min(0).max(1024).default(0),
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
      })
      .optional()
      .meta({ description: 'Where it may run; what is left out allows everything.' }),
    award: z.enum(['lowest']).optional(),
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
