import { parseUsd, type NanoUsd } from '@muster/protocol'
import { z } from 'zod'

const usd = z.string().transform((text, context): NanoUsd => {
  try {
    return parseUsd(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'expected dollars such as 0.25' })
    return z.NEVER
  }
})

const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most)

/** A market's options as they are written: flags, or `MUSTER_MARKET_…` in the environment. */
const writtenSchema = z.strictObject({
  /** Where the key, the blobs and the embedded Postgres live. */
  dataDirectory: z.string().min(1).default('.muster/market'),
  host: z.string().default('127.0.0.1'),
  port: whole(0, 65_535).default(7600),
  /** A Postgres to use in place of the embedded one. */
  databaseUrl: z.string().optional(),
  /** The network that signatures are bound to. */
  chainId: whole(1, 2 ** 48).default(31_337),
  /** Bearer key of the admin API; without one a key is made in the data directory. */
  adminKey: z.string().min(16).optional(),
  maxBlobBytes: whole(1024, 2 ** 40).default(1024 ** 3),
  /** How long an agent may be out of reach before its work is given to others. */
  graceMs: whole(100, 3_600_000).default(10_000),
  /** The same for the leases a restarted market takes up, whose agents have yet to notice and dial again. */
  restartGraceMs: whole(100, 3_600_000).default(60_000),
  /** Added to a task's time limit before a lease without any progress counts as lost. */
  progressSlackMs: whole(100, 3_600_000).default(15_000),
  leaseTermMs: whole(1_000, 30 * 86_400_000).default(3_600_000),
  bondUsdPerSlot: usd.default(10_000_000n),
  /** How long a blob that no job refers to is kept. */
  keepBlobsMs: whole(0, 365 * 86_400_000).default(86_400_000),
  /** How long the blobs of a closed job are kept; 0 for ever. */
  keepJobBlobsMs: whole(0, 10 * 365 * 86_400_000).default(30 * 86_400_000),
  /** Bytes of blobs that no job refers to, over all tenants: past that uploads are refused. */
  maxLooseBytes: whole(1024, 2 ** 50).default(20 * 1024 ** 3),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
})

export type WrittenMarketOptions = z.input<typeof writtenSchema>

/** Options as the program uses them: complete, in base units. */
export type MarketOptions = z.output<typeof writtenSchema>

/** Completes and checks options. Throws a `ZodError` naming every one that is wrong. */
export const compileMarketOptions = (written: WrittenMarketOptions): MarketOptions => writtenSchema.parse(written)

export const marketOptionNames = Object.keys(writtenSchema.shape) as readonly (keyof WrittenMarketOptions)[]
