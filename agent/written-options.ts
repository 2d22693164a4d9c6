import { addressSchema, attributesSchema, nameSchema } from '@muster/protocol'
import { z } from 'zod'

const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most)
const flag = z.union([
  z.boolean(),
  z.enum(['true', 'false', '1', '0', '']).transform((text) => text !== 'false' && text !== '0'),
])
const list = z.union([z.array(z.string()), z.string().transform((text) => text.split(',').map((item) => item.trim()))])

const pairs = z
  .union([
    z.record(z.string(), z.string()),
    z.string().transform((text, context) => {
      const found = text === '' ? [] : text.split(',').map((pair) => pair.split('='))
      if (found.every((pair) => pair.length === 2)) return Object.fromEntries(found) as Record<string, string>
      context.addIssue({ code: 'custom', message: 'expected name=value, and commas between them' })
      return z.NEVER
    }),
  ])
  .pipe(attributesSchema)

const defaultMarketUrl = 'http://127.0.0.1:7600'
const mostMib = 2 ** 26

/** Options as they are written: flags, `MUSTER_AGENT_…` in the environment, a JSON file; the first that says something counts. */
const writtenSchema = z
  .strictObject({
    /** Where the key, the journal and the blob cache lie. */
    dataDirectory: z.string().min(1).default('.muster/agent'),
    /** Markets to sell to, with commas between them. */
    marketUrl: list.pipe(z.array(z.url({ protocol: /^https?$/ })).min(1)).default([defaultMarketUrl]),
    /** Their addresses, in the same order, where they are to be checked; else what they say they are. */
    marketAddress: list.pipe(z.array(addressSchema)).default([]),
    chainId: whole(0, 2 ** 48).default(31_337),
    region: nameSchema.default('local'),
    /** ISO 3166; ZZ where nobody said. */
    country: z
      .string()
      .regex(/^[A-Z]{2}$/, { error: 'expected two capitals' })
      .default('ZZ'),
    attributes: pairs.default({}),
    cores: z.coerce.number().min(0.001).max(10_000).nullable().default(null),
    memoryMib: whole(1, mostMib).nullable().default(null),
    diskMib: whole(0, mostMib).nullable().default(null),
    /** UUIDs; all where left out. */
    gpus: list.nullable().default(null),
    slotCpuMilli: whole(1, 10_000_000).default(1000),
    /** The runtime needs 384 MiB for one process. */
    slotMemoryMib: whole(384, mostMib).default(1024),
    slotDiskMib: whole(0, mostMib).default(0),
    slotGpus: whole(0, 64).default(0),
    maxSlots: whole(1, 10_000).default(10_000),
    cacheMib: whole(64, mostMib).default(2048),
    priceFile: z.string().nullable().default(null),
    offerTtlMs: whole(2000, 3_600_000).default(60_000),
    noticeMs: whole(0, 3_600_000).default(30_000),
    drainMs: whole(0, 3_600_000).default(60_000),
    /** Take work only while nobody else uses the machine. */
    idleOnly: flag.default(false),
    ownerCpuPercent: whole(1, 100).nullable().default(null),
    ownerSampleMs: whole(100, 600_000).default(2000),
    ownerSamples: whole(1, 1000).default(3),
    ownerQuietMs: whole(0, 86_400_000).default(60_000),
    nvidiaSmi: z.string().min(1).default('nvidia-smi'),
    /** Certificate authorities (PEM) trusted beside the machine's. */
    caFile: z.string().nullable().default(null),
    logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    /** Text on a terminal and JSON elsewhere, unless said. */
    logFormat: z.enum(['json', 'text']).nullable().default(null),
  })
  .refine(({ marketUrl, marketAddress }) => marketAddress.length === 0 || marketAddress.length === marketUrl.length, {
    path: ['marketAddress'],
    error: 'expected as many addresses as URLs',
  })

export type WrittenAgentOptions = z.input<typeof writtenSchema>
/** Complete and checked, in the units they are written in. */
export type DefaultedAgentOptions = z.output<typeof writtenSchema>

/** Completes and checks options. Throws a `ZodError` naming every one that is wrong. */
export const completeAgentOptions = (written: WrittenAgentOptions): DefaultedAgentOptions =>
  writtenSchema.parse(written)

export const agentOptionNames = Object.keys(writtenSchema.shape) as readonly (keyof WrittenAgentOptions)[]
