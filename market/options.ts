import { maxFeeBasisPoints, parseUsd, type NanoUsd } from '@muster/protocol'
import { z } from 'zod'

const usd = z.string().transform((text, context): NanoUsd => {
  try {
    return parseUsd(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'expected dollars such as 0.25' })
    return z.NEVER
  }
})

const msPerHour = 3_600_000

/** Hours with commas between them, as ms, longest first. */
const hours = z.string().transform((text, context): readonly number[] => {
  const parts = text.split(',').map((part) => part.trim())
  if (parts.every((part) => /^\d{1,4}(\.\d{1,3})?$/.test(part) && Number(part) > 0))
    return parts.map((part) => Math.ceil(Number(part) * msPerHour)).toSorted((a, b) => b - a)
  context.addIssue({ code: 'custom', message: 'expected hours such as 24,2' })
  return z.NEVER
})

const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most)

/** With commas between them a URL may name several hosts, each with its port. */
const isPostgresUrl = (text: string): boolean =>
  [text, text.replace(/,[^/?]*/, '')].some((url) => /^postgres(?:ql)?:$/.test(URL.parse(url)?.protocol ?? ''))

/** A market's options as they are written: flags, or `MUSTER_MARKET_…` in the environment. */
const writtenSchema = z.strictObject({
  dataDirectory: z.string().min(1).default('.muster/market').meta({
    description: 'Where the key, the blobs and the embedded Postgres live.',
  }),
  host: z.string().default('127.0.0.1').meta({ description: 'The address it listens at.' }),
  port: whole(0, 65_535).default(7600).meta({ description: 'The port it listens at; 0 takes a free one.' }),
  databaseUrl: z
    .string()
    .refine(isPostgresUrl, {
      error: 'expected postgres://USER:PASSWORD@HOST:PORT/DATABASE',
    })
    .optional()
    .meta({
      description: 'A Postgres, 17 or later, to use in place of the embedded one. A secret: give it by its variable.',
    }),
  chainId: whole(1, 2 ** 48)
    .default(31_337)
    .meta({
      description: 'The network that signatures are bound to; agents and tenants must name the same.',
    }),
  adminKey: z.string().min(16).optional().meta({
    description:
      'Bearer key of the admin API; without one a key is made in the data directory. A secret: give it by its variable.',
  }),
  maxBlobBytes: whole(1024, 2 ** 40)
    .default(1024 ** 3)
    .meta({ description: 'The largest upload, in bytes.' }),
  graceMs: whole(100, 3_600_000).default(10_000).meta({
    description: 'How long an agent may be out of reach before its work is given to others, in ms.',
  }),
  restartGraceMs: whole(100, 3_600_000).default(60_000).meta({
    description:
      'The same for the leases a restarted market takes up, whose agents have yet to notice and dial again, in ms.',
  }),
  progressSlackMs: whole(100, 3_600_000).default(15_000).meta({
    description: 'Added to a task’s time limit before a lease without any progress counts as lost, in ms.',
  }),
  leaseTermMs: whole(1_000, 30 * 86_400_000)
    .default(3_600_000)
    .meta({
      description: 'How long a lease lasts, in ms; a job that is not done by then goes to auction again.',
    }),
  bondUsdPerSlot: usd.prefault('0.01').meta({
    description: 'Dollars of a provider’s stake that a lease ties up for each slot.',
  }),
  feeBasisPoints: whole(0, maxFeeBasisPoints).default(0).meta({
    description: 'What the market keeps of each payment to a provider, in hundredths of a percent.',
  }),
  lowBalanceHours: hours.prefault('24,2').meta({
    description: 'A tenant is told when its money lasts for fewer hours than these, with commas between them.',
  }),
  emptyGraceMs: whole(0, 365 * 86_400_000)
    .default(72 * 3_600_000)
    .meta({
      description: 'How long a tenant whose money is used up may go on uploading, in ms.',
    }),
  keepBlobsMs: whole(0, 365 * 86_400_000)
    .default(86_400_000)
    .meta({
      description: 'How long a blob that no job refers to is kept, in ms; 0 for ever.',
    }),
  snapshotEvents: whole(1, 1_000_000).default(2_000).meta({
    description: 'Events of a job between snapshots, from which a restarted node takes it up.',
  }),
  cleanEveryMs: whole(1_000, 86_400_000).default(600_000).meta({
    description: 'How often orders that have expired and blobs that nobody needs are removed, in ms.',
  }),
  keepJobBlobsMs: whole(0, 10 * 365 * 86_400_000)
    .default(30 * 86_400_000)
    .meta({
      description: 'How long the blobs of a closed job are kept, in ms; 0 for ever.',
    }),
  keepNamesMs: whole(0, 10 * 365 * 86_400_000)
    .default(0)
    .meta({
      description: 'How long the name of a closed job is kept, in ms; 0 for as long as its tenant is.',
    }),
  keepTranscriptsMs: whole(0, 10 * 365 * 86_400_000)
    .default(400 * 86_400_000)
    .meta({
      description: 'How long the transcripts of sealed auctions are kept, in ms; 0 for ever.',
    }),
  maxLooseBytes: whole(1024, 2 ** 50)
    .default(20 * 1024 ** 3)
    .meta({
      description: 'Bytes of blobs that no job refers to, over all tenants; past that uploads are refused.',
    }),
  tenantLoosePercent: whole(1, 100).default(25).meta({
    description: 'How much of that one tenant may have brought in, in percent.',
  }),
  keyRequestsPerSecond: whole(0, 1_000_000).default(1_000).meta({
    description: 'Requests a second that one API key may make in the long run; 0 for no limit.',
  }),
  keyRequestBurst: whole(1, 10_000_000).default(5_000).meta({
    description: 'Requests that one API key may make at once.',
  }),
  keyBodyBytesPerSecond: whole(0, 2 ** 40)
    .default(1024 ** 3)
    .meta({
      description: 'Bytes of bodies a second that one API key may send in the long run; 0 for no limit.',
    }),
  openRequestsPerSecond: whole(0, 1_000_000).default(1_000).meta({
    description: 'Requests a second without a key that may come from one address in the long run; 0 for no limit.',
  }),
  openRequestBurst: whole(1, 10_000_000).default(5_000).meta({
    description: 'Requests without a key that may come from one address at once.',
  }),
  benchmarkHours: z.coerce.number().min(0).max(8760).default(24).meta({
    description: 'How often a machine is measured anew, in hours, on average and by chance; 0 measures none.',
  }),
  benchmarkTimeoutMs: whole(1_000, 600_000).default(60_000).meta({
    description: 'How long a machine may take for each part of it, in ms.',
  }),
  benchmarkWidth: whole(16, 768).default(768).meta({
    description: 'The width of the matrices it computes; with the next two, how much work it is.',
  }),
  benchmarkLayers: whole(1, 64).default(8).meta({ description: 'How many products of matrices it computes.' }),
  benchmarkColumns: whole(1, 4096).default(2048).meta({ description: 'How many columns its matrices have.' }),
  benchmarkNetworkBytes: whole(1, 64 * 1024 ** 2)
    .default(8 * 1024 ** 2)
    .meta({ description: 'Bytes that go to the machine and back, to measure its network.' }),
  tenantWatches: whole(1, 100_000).default(100).meta({
    description: 'Streams of events that one tenant may watch at once.',
  }),
  natsUrl: z.string().optional().meta({
    description: 'A NATS server, where this is one of several nodes; MUSTER_NATS_URL says the same.',
  }),
  nodeName: z.string().min(1).max(200).optional().meta({
    description: 'Tells this node from the others, the same from start to start; host and port where not said.',
  }),
  nodeHost: z.string().default('127.0.0.1').meta({ description: 'The address it listens at for other nodes.' }),
  nodePort: whole(0, 65_535).default(0).meta({ description: 'The port for other nodes; 0 takes a free one.' }),
  nodeUrl: z
    .url({ protocol: /^https$/ })
    .optional()
    .meta({
      description: 'Where other nodes reach it, https://host:port; the address it listens at where not said.',
    }),
  nodeTimeoutMs: whole(300, 600_000).default(3_000).meta({
    description: 'How long a node may stand still before the others take over its jobs, in ms.',
  }),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({
    description: 'The least that is logged.',
  }),
})

export type WrittenMarketOptions = z.input<typeof writtenSchema>

/** Options as the program uses them: complete, in base units. */
export type MarketOptions = z.output<typeof writtenSchema>

const wholeSchema = writtenSchema.refine(
  ({ natsUrl, databaseUrl }) => natsUrl === undefined || databaseUrl !== undefined,
  { path: ['databaseUrl'], message: 'several nodes share one Postgres: give it with --nats-url, or leave both out' },
)

/** Completes and checks options. Throws a `ZodError` naming every one that is wrong. */
export const compileMarketOptions = (written: WrittenMarketOptions): MarketOptions => wholeSchema.parse(written)

export const marketOptionNames = Object.keys(writtenSchema.shape) as readonly (keyof WrittenMarketOptions)[]

/** Begins the variables of the environment. */
export const marketVariables = 'MUSTER_MARKET'

/** Each by its name, with what it means. */
export const marketOptions = writtenSchema.shape
