import { addressSchema, attributesSchema, gpuInterfaces, marketUrlSchema, nameSchema } from '@muster/protocol'
import { z } from 'zod'
import { parseWindow } from './maintenance/parse-window.ts'

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

const windowSchema = z.string().transform((text, context) => {
  try {
    return parseWindow(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
    return z.NEVER
  }
})

export const defaultMarketUrl = 'http://127.0.0.1:7600'
const mostMib = 2 ** 26

/** Each option as it is written, with what it means. */
export const agentOptionShape = {
  dataDirectory: z.string().min(1).default('.muster/agent').meta({
    description: 'Where the key, the journal and the blob cache live. One agent to a directory.',
  }),
  marketUrl: list
    .pipe(z.array(marketUrlSchema).min(1))
    .nullable()
    .default(null)
    .meta({
      description: `Markets to sell to, with commas between them, and + between the URLs of nodes of one; where not said, those of \`muster agent market add\`, or ${defaultMarketUrl} without any.`,
    }),
  marketAddress: list.pipe(z.array(addressSchema)).default([]).meta({
    description:
      'Addresses of their keys, in the same order, so that nobody can stand in for them; where not said, a market is believed.',
  }),
  chainId: whole(0, 2 ** 48)
    .default(31_337)
    .meta({
      description: 'The network that signatures are bound to; the markets must name the same.',
    }),
  region: nameSchema.default('local').meta({ description: 'A name that tenants place work by.' }),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, { error: 'expected two capitals' })
    .default('ZZ')
    .meta({ description: 'Where the machine stands, as two capitals of ISO 3166; ZZ says nothing.' }),
  attributes: pairs.default({}).meta({
    description: 'What else tenants may place work by: name=attic,tier=home.',
  }),
  operator: nameSchema.nullable().default(null).meta({
    description: 'Who runs the machine, as a name that tenants may place work by; nobody where not said.',
  }),
  downMbps: whole(0, 10_000_000).nullable().default(null).meta({
    description:
      'What the machine can receive, in megabits a second; tenants who ask for some pass you over where not said.',
  }),
  upMbps: whole(0, 10_000_000).nullable().default(null).meta({
    description: 'What it can send, in megabits a second.',
  }),
  gflops: whole(1, 1_000_000).nullable().default(null).meta({
    description:
      'What a slot computes, in GFLOP/s (`muster agent check` tells); markets measure it, and mark who has less.',
  }),
  noBenchmarks: flag.default(false).meta({
    description: 'Refuse to show markets what the machine does, in idle slots; your page tells that you do.',
  }),
  attestationFile: z.string().nullable().default(null).meta({
    description: 'A file with what auditors signed about this provider, for offers to carry; none where not said.',
  }),
  cores: z.coerce.number().min(0.001).max(10_000).nullable().default(null).meta({
    description: 'Cores to sell; all this process may use where not said.',
  }),
  memoryMib: whole(1, mostMib).nullable().default(null).meta({
    description: 'Memory to sell, in MiB; three quarters of what there is where not said.',
  }),
  diskMib: whole(0, mostMib).nullable().default(null).meta({
    description: 'Disk to sell, in MiB; nine tenths of what is free, less the cache, where not said.',
  }),
  gpus: list.nullable().default(null).meta({
    description: 'GPUs to sell, by UUID with commas between them; all where not said.',
  }),
  gpuInterface: z.enum(gpuInterfaces).nullable().default(null).meta({
    description: 'How the GPUs are attached, where their names do not tell: pcie, sxm, oam or soc.',
  }),
  slotCpuMilli: whole(1, 10_000_000).default(1000).meta({
    description: 'Processor of one slot, which is what a price buys, in thousandths of a core.',
  }),
  slotMemoryMib: whole(384, mostMib).default(1024).meta({
    description: 'Memory of one slot, in MiB; the runtime needs 384 for one process.',
  }),
  slotDiskMib: whole(0, mostMib).default(0).meta({ description: 'Disk of one slot, in MiB.' }),
  slotGpus: whole(0, 64).default(0).meta({ description: 'GPUs of one slot.' }),
  maxSlots: whole(1, 10_000).default(10_000).meta({ description: 'The most slots to sell at once.' }),
  reservedPercent: whole(1, 100).nullable().default(null).meta({
    description:
      'Of the slots, what a market that has not proven itself may hold reserved while others are linked; an equal share where not said.',
  }),
  cacheMib: whole(64, mostMib).default(2048).meta({ description: 'The most disk that blobs may take, in MiB.' }),
  priceFile: z.string().nullable().default(null).meta({
    description:
      'A file with your prices (docs/guides/provide-a-machine.md); a small one for each runtime where not said.',
  }),
  offerTtlMs: whole(2000, 3_600_000).default(60_000).meta({
    description: 'How long an offer stands, in ms; it is renewed at half of it.',
  }),
  maintenance: list.pipe(z.array(windowSchema)).default([]).meta({
    description:
      'When the machine is not to be had, with commas between: 2026-11-21T02:00Z/2h,2026-12-05T02:00Z/2h. More is announced by `muster agent maintenance`.',
  }),
  noticeMs: whole(0, 3_600_000).default(30_000).meta({
    description: 'How long running work gets to finish when the owner needs the machine, in ms.',
  }),
  drainMs: whole(0, 3_600_000).default(60_000).meta({
    description: 'How long it gets when the agent is told to stop, in ms.',
  }),
  idleOnly: flag.default(false).meta({ description: 'Take work only while nobody else uses the machine.' }),
  ownerCpuPercent: whole(1, 100).nullable().default(null).meta({
    description:
      'The load of others above which the agent yields, in percent of the machine; 10 with --idle-only and never without it, where not said.',
  }),
  ownerSampleMs: whole(100, 600_000).default(2000).meta({ description: 'How often to look at that load, in ms.' }),
  ownerSamples: whole(1, 1000).default(3).meta({
    description: 'How many looks in a row must find it high before the agent yields.',
  }),
  ownerQuietMs: whole(0, 86_400_000).default(60_000).meta({
    description: 'How long it must stay low before the agent sells again, in ms.',
  }),
  nvidiaSmi: z.string().min(1).default('nvidia-smi').meta({ description: 'The command to ask for GPUs.' }),
  caFile: z.string().nullable().default(null).meta({
    description: 'Certificate authorities (PEM) to trust beside the machine’s.',
  }),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({
    description: 'The least that is logged.',
  }),
  logFormat: z.enum(['json', 'text']).nullable().default(null).meta({
    description: 'Text on a terminal and JSON elsewhere, where not said.',
  }),
}

const writtenSchema = z
  .strictObject(agentOptionShape)
  .refine(
    ({ marketUrl, marketAddress }) => marketAddress.length === 0 || marketAddress.length === (marketUrl?.length ?? 0),
    {
      path: ['marketAddress'],
      error: 'expected as many addresses as URLs',
    },
  )

/** Options as they are written: flags, `MUSTER_AGENT_…` in the environment, a JSON file; the first that says something counts. */
export type WrittenAgentOptions = z.input<typeof writtenSchema>
/** Complete and checked, in the units they are written in. */
export type DefaultedAgentOptions = z.output<typeof writtenSchema>

/** Completes and checks options. Throws a `ZodError` naming every one that is wrong. */
export const completeAgentOptions = (written: WrittenAgentOptions): DefaultedAgentOptions =>
  writtenSchema.parse(written)

export const agentOptionNames = Object.keys(agentOptionShape) as readonly (keyof WrittenAgentOptions)[]

/** Begins the variables of the environment. */
export const agentVariables = 'MUSTER_AGENT'
