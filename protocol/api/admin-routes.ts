import { z } from 'zod'
import { cidSchema } from '../digest/cid.ts'
import { idSchema } from '../id/id.ts'
import { nanoUsdSchema } from '../money/money.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { adminRoles } from './admin-rule.ts'
import { denialKinds, denialNoticeSchema, line, reasonSchema } from './denial.ts'
import { jobViewSchema } from './job-routes.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})
const count = z.int().min(0)

export const adminKeySchema = z.strictObject({
  id: idSchema('key'),
  name: z.string(),
  role: z.enum(adminRoles),
  lastFour: z.string(),
  /** The admin key that made it. */
  createdBy: z.string(),
  createdAt: timeSchema,
  revokedAt: timeSchema.nullable(),
})

export const adminActionSchema = z.strictObject({
  id: idSchema('action'),
  at: timeSchema,
  /** The admin key that asked: its id, or `owner` for the key the market was started with. */
  actor: z.string(),
  actorName: z.string(),
  role: z.enum(adminRoles),
  /** The operation id of the route. */
  action: z.string(),
  /** What it was about, such as a tenant and an amount. */
  facts: z.record(z.string(), z.unknown()),
  reason: z.string(),
  /** `asked` is written before anything is done; `refused` after it, where it was not done. */
  outcome: z.enum(['asked', 'refused']),
  /** The action whose outcome this is, and the code it was refused with. */
  of: idSchema('action').nullable(),
  code: z.string().nullable(),
})

/** Who or what is denied: a tenant's id, a program's CID, the region of an offer, or a provider's address. */
export const denialTargetSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tenant'), subject: idSchema('tenant') }),
  z.strictObject({ kind: z.literal('program'), subject: cidSchema }),
  z.strictObject({ kind: z.literal('region'), subject: line.min(1).max(64) }),
  z.strictObject({ kind: z.literal('provider'), subject: addressSchema }),
])

export const denialSchema = z.strictObject({
  kind: z.enum(denialKinds),
  subject: z.string(),
  ...denialNoticeSchema.shape,
  at: timeSchema,
  by: z.string(),
})

const auditSummarySchema = z.strictObject({
  /** When it was over; the ledger may have grown since. */
  at: timeSchema,
  ok: z.boolean(),
  /** How many things were looked at, and how many do not add up. */
  checked: count,
  faults: count,
})

const drainingSchema = z.strictObject({ since: timeSchema, by: z.string(), reason: z.string() })

/** A node of the market, as its row says at its last beat. */
const nodeSchema = z.strictObject({
  name: z.string(),
  /** Where other nodes reach it; `null` for one that works alone. */
  url: z.string().nullable(),
  /** Whether it is the one that answers this. */
  isThis: z.boolean(),
  /** Whether it answers that one. */
  answers: z.boolean(),
  version: z.string(),
  startedAt: timeSchema,
  links: count,
  jobs: count,
})

/** How a node is: see `muster market status`. */
export const marketStatusSchema = z.strictObject({
  version: z.string(),
  market: addressSchema,
  chainId: z.int(),
  now: timeSchema,
  startedAt: timeSchema,
  uptimeMs: count,
  processId: z.int(),
  memoryBytes: count,
  draining: drainingSchema.nullable(),
  links: count,
  /** Those that are up, by name; empty where the node keeps no row of itself. */
  nodes: z.array(nodeSchema).default([]),
  /** Whether the bus between nodes works; `null` for a node that works alone. */
  bus: z.boolean().nullable().default(null),
  jobs: z.strictObject({ active: count, waitingTasks: count, runningTasks: count }),
  store: z.strictObject({
    /** Of the database on disk, where it says. */
    bytes: count.nullable(),
    /** How long it takes to answer. */
    pingMs: z.number().min(0),
    /** Commits asked for and not durable yet. */
    pendingCommits: count,
    /** Over the last ten seconds. */
    commitsPerSecond: z.number().min(0),
    /** The longest a commit took to become durable in the last ten seconds, or has been waiting for it. */
    lagMs: z.number().min(0),
  }),
  blobs: z.strictObject({ count, bytes: count }),
  /** Of the disk that the data directory is on. */
  disk: z.strictObject({ freeBytes: count, totalBytes: count }).nullable(),
  denials: count,
  /** The last one of any node since this one was started. */
  audit: auditSummarySchema.nullable(),
})
export type MarketStatus = z.output<typeof marketStatusSchema>
export type AdminLogEntry = z.output<typeof adminActionSchema>

export const marketStatusRoute = defineRoute({
  method: 'GET',
  path: '/v1/admin/status',
  summary: 'How this node is: its links, jobs, store, disk, and what the last audit of the ledger said.',
  auth: 'admin',
  admin: { roles: ['operator'], records: null },
  params: none,
  query: none,
  body: null,
  response: { json: marketStatusSchema },
  status: 200,
  errors: [],
})

export const drainRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/drain',
  summary: 'Take no new jobs; those there are run to their end. It lasts until `undrain` or the end of the process.',
  auth: 'admin',
  admin: { roles: ['operator'], records: [] },
  params: none,
  query: none,
  body: z.strictObject({ reason: reasonSchema }),
  response: { json: z.strictObject({ draining: drainingSchema.nullable(), activeJobs: count }) },
  status: 200,
  errors: [],
})

export const undrainRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/undrain',
  summary: 'Take new jobs again.',
  auth: 'admin',
  admin: { roles: ['operator'], records: [] },
  params: none,
  query: none,
  body: z.strictObject({ reason: reasonSchema }),
  response: { json: z.strictObject({ draining: drainingSchema.nullable(), activeJobs: count }) },
  status: 200,
  errors: [],
})

export const createAdminKeyRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/keys',
  summary: 'An admin key with a role, shown this once.',
  auth: 'admin',
  admin: { roles: [], records: ['name', 'role'] },
  params: none,
  query: none,
  body: z.strictObject({ name: line.min(1).max(200), role: z.enum(adminRoles), reason: reasonSchema.optional() }),
  response: { json: z.strictObject({ key: idSchema('key'), adminKey: z.string() }) },
  status: 201,
  errors: [],
})

export const listAdminKeysRoute = defineRoute({
  method: 'GET',
  path: '/v1/admin/keys',
  summary:
    'The admin keys that were made, newest first, revoked ones too. The key of the market itself is not among them.',
  auth: 'admin',
  admin: { roles: [], records: null },
  params: none,
  query: none,
  body: null,
  response: { json: z.strictObject({ keys: z.array(adminKeySchema) }) },
  status: 200,
  errors: [],
})

export const revokeAdminKeyRoute = defineRoute({
  method: 'DELETE',
  path: '/v1/admin/keys/{key}',
  summary: 'Revoke an admin key; its next call is refused.',
  auth: 'admin',
  admin: { roles: [], records: [] },
  params: z.strictObject({ key: idSchema('key') }),
  query: none,
  body: null,
  response: { json: none },
  status: 200,
  errors: ['not_found'],
})

export const adminLogRoute = defineRoute({
  method: 'GET',
  path: '/v1/admin/log',
  summary: 'What admins asked for and whether it was refused, newest first.',
  auth: 'admin',
  admin: { roles: ['operator'], records: null },
  params: none,
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(1000).default(50),
    before: idSchema('action').optional(),
  }),
  body: null,
  response: { json: z.strictObject({ actions: z.array(adminActionSchema) }) },
  status: 200,
  errors: [],
})

export const denyRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/denials',
  summary:
    'Deny a tenant, a program, a region or a provider. A tenant or program gets no new job and its waiting tasks are given up; a provider or region gets no new lease. With `stop` what runs ends at once, unpaid; without it, it finishes. A second denial of the same replaces the first.',
  auth: 'admin',
  admin: { roles: ['operator'], records: ['target', 'expiresAt', 'stop'] },
  params: none,
  query: none,
  body: z.strictObject({
    target: denialTargetSchema,
    reason: reasonSchema,
    expiresAt: timeSchema.nullable().default(null),
    stop: z.boolean().default(false),
  }),
  response: {
    json: z.strictObject({
      denial: denialSchema,
      /** Jobs whose waiting tasks were given up, and leases that were ended. */
      jobs: count,
      leases: count,
    }),
  },
  status: 201,
  errors: [],
})

export const allowRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/denials/end',
  summary: 'End a denial. What it gave up stays given up.',
  auth: 'admin',
  admin: { roles: ['operator'], records: ['target'] },
  params: none,
  query: none,
  body: z.strictObject({ target: denialTargetSchema, reason: reasonSchema.optional() }),
  response: { json: none },
  status: 200,
  errors: ['not_found'],
})

export const listDenialsRoute = defineRoute({
  method: 'GET',
  path: '/v1/admin/denials',
  summary: 'The denials that hold now, newest first.',
  auth: 'admin',
  admin: { roles: ['operator'], records: null },
  params: none,
  query: none,
  body: null,
  response: { json: z.strictObject({ denials: z.array(denialSchema) }) },
  status: 200,
  errors: [],
})

const tenantSummarySchema = z.strictObject({
  tenant: idSchema('tenant'),
  /** `null` where it was erased. */
  name: z.string().nullable(),
  address: addressSchema.nullable(),
  createdAt: timeSchema,
  denied: denialNoticeSchema.nullable(),
})

export const listTenantsRoute = defineRoute({
  method: 'GET',
  path: '/v1/admin/tenants',
  summary: 'The tenants, oldest first.',
  auth: 'admin',
  admin: { roles: ['support'], records: [] },
  params: none,
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(1000).default(200),
    after: idSchema('tenant').optional(),
  }),
  body: null,
  response: { json: z.strictObject({ tenants: z.array(tenantSummarySchema) }) },
  status: 200,
  errors: [],
})

export const tenantJobsRoute = defineRoute({
  method: 'GET',
  path: '/v1/admin/tenants/{tenant}/jobs',
  summary: 'The jobs of a tenant, newest first: what support looks at when somebody asks.',
  auth: 'admin',
  admin: { roles: ['support'], records: [] },
  params: z.strictObject({ tenant: idSchema('tenant') }),
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(200).default(50),
    before: idSchema('job').optional(),
  }),
  body: null,
  response: { json: z.strictObject({ jobs: z.array(jobViewSchema) }) },
  status: 200,
  errors: ['not_found'],
})

export const eraseTenantRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/tenants/{tenant}/erase',
  summary:
    'Makes what the market knows of the person behind a tenant unreadable for good: names of account, keys, jobs and standing orders. Ends its API keys and standing orders and lets go of its blobs. What was signed stays.',
  auth: 'admin',
  admin: { roles: [], records: [] },
  params: z.strictObject({ tenant: idSchema('tenant') }),
  query: none,
  body: z.strictObject({ reason: reasonSchema }),
  response: {
    json: z.strictObject({
      /** API keys that were ended. */
      keys: z.int(),
      /** Jobs whose names are gone. */
      jobs: z.int(),
      /** Blobs that jobs referred to, and no longer do. */
      blobRefs: z.int(),
      /** What is left on the account, in nano-dollars. */
      balance: nanoUsdSchema,
    }),
  },
  status: 200,
  errors: ['not_found', 'conflict'],
})

export const backupRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/backup',
  summary:
    'All tables as they were at one moment, signed by the market; blobs are named and not contained. With a passphrase the market’s key is in it too, sealed. The keys that names are sealed under are a part of their own.',
  auth: 'admin',
  admin: { roles: [], records: ['part', 'withKey'] },
  params: none,
  query: none,
  body: z.strictObject({
    part: z.enum(['data', 'keys']).default('data'),
    withKey: z.boolean().default(false),
    /** Seals the key: required with it. */
    passphrase: z.string().min(12).max(1024).optional(),
    reason: reasonSchema.optional(),
  }),
  response: 'bytes',
  status: 200,
  errors: ['conflict'],
})
