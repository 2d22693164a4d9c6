import { MusterError, type RouteName, type routes } from '@muster/protocol'
import type { AdminKeys } from '../admin/admin-keys.ts'
import { denialNotice } from '../admin/denials.ts'
import { readStatus, type Machine } from '../admin/read-status.ts'
import { listJobs } from '../job/list-jobs.ts'
import type { Market } from '../market.ts'
import { eraseTenant } from '../personal/erase-tenant.ts'
import type { BackupPart } from '../store/backup/backup-format.ts'
import type { Denial } from '../store/admin-store.ts'
import type { Handler } from './handler.ts'

type AdminRoute = {
  [Name in RouteName]: (typeof routes)[Name]['auth'] extends 'admin' ? Name : never
}[RouteName]
type Handlers = {
  readonly [Name in Extract<AdminRoute, (typeof ours)[number]>]: Handler<(typeof routes)[Name]>
}

const ours = [
  'marketStatus',
  'drain',
  'undrain',
  'createAdminKey',
  'listAdminKeys',
  'revokeAdminKey',
  'adminLog',
  'deny',
  'allow',
  'listDenials',
  'listTenants',
  'tenantJobs',
  'eraseTenant',
  'backup',
] as const

/** What a node has beside its market. */
export interface NodeTools {
  readonly machine?: Machine
  /** All tables as they are now; with a passphrase the market's key is in it, sealed. */
  readonly backup?: (part: BackupPart, passphrase: string | undefined) => Promise<AsyncIterable<Uint8Array>>
}

const noMachine: Machine = { processId: 0, memoryBytes: () => 0 }

const notFound = (message: string, facts: Readonly<Record<string, unknown>>): MusterError =>
  new MusterError({ code: 'not_found', message, facts })

const badRequest = (message: string): MusterError => new MusterError({ code: 'request_invalid', message })

/** Handlers of the operator's tools. */
export const adminHandlers = (market: Market, keys: AdminKeys, tools: NodeTools): Handlers => {
  const { store, world, jobs, names } = market.modules
  const { drain, denials, audits } = market.admin
  const startedAt = world.now()
  let isBackingUp = false

  const drained = () => ({
    draining: drain.now(),
    activeJobs: jobs.count() + (market.cluster?.others() ?? []).reduce((sum, node) => sum + node.jobs, 0),
  })

  /** One at a time, since each holds a snapshot of the database open for as long as it is read. */
  const oneBackup = (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => ({
    // A generator would not notice a reader that leaves before it began.
    [Symbol.asyncIterator]: () => {
      const parts = bytes[Symbol.asyncIterator]()
      const over = (): void => {
        isBackingUp = false
      }
      return {
        next: async () => {
          try {
            const part = await parts.next()
            if (part.done === true) over()
            return part
          } catch (error) {
            over()
            throw error
          }
        },
        return: async () => {
          over()
          await parts.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  })

  return {
    marketStatus: () => readStatus(market, tools.machine ?? noMachine, { startedAt, audit: audits.last() }),
    drain: async ({ body: { reason }, admin }) => {
      await drain.begin(admin.id, reason)
      return drained()
    },
    undrain: async () => {
      await drain.end()
      return drained()
    },
    createAdminKey: ({ body: { name, role }, admin }) => keys.create({ name, role }, admin),
    listAdminKeys: async () => ({ keys: [...(await store.admin.keys())] }),
    revokeAdminKey: async ({ params: { key } }) => {
      if (await store.admin.revokeKey(key, world.now())) return {}
      throw notFound('There is no such admin key, or it was revoked before.', { key })
    },
    adminLog: async ({ query: { limit, before } }) => ({
      actions: (await store.admin.actions({ limit, ...(before === undefined ? {} : { before }) })).map((action) => ({
        ...action,
        facts: { ...action.facts },
      })),
    }),
    deny: async ({ body: { target, reason, expiresAt, stop }, admin }) => {
      if (expiresAt !== null && expiresAt <= world.now())
        throw badRequest('A denial that ends in the past denies nothing; give a later time or none.')
      const denial: Denial = { ...target, reason, expiresAt, stopped: stop, at: world.now(), by: admin.id }
      await store.admin.deny(denial)
      await denials.load()
      market.cluster?.tell('facts')
      return { denial, ...(await market.admin.apply(denial)) }
    },
    allow: async ({ body: { target } }) => {
      const isEnded = await store.admin.allow(target)
      await denials.load()
      market.cluster?.tell('facts')
      if (isEnded) return {}
      throw notFound('There is no such denial.', target)
    },
    listDenials: () => ({ denials: [...denials.all()] }),
    listTenants: async ({ query: { limit, after } }) => {
      const tenants = await store.accounts.list({ limit, ...(after === undefined ? {} : { after }) })
      const nameOf = await names.read(tenants.map(({ id }) => ({ id, tenant: id })))
      return {
        tenants: tenants.map(({ id: tenant, address, createdAt }) => ({
          tenant,
          name: nameOf.get(tenant) ?? null,
          address,
          createdAt,
          denied: denialNotice(denials.find('tenant', tenant)),
        })),
      }
    },
    tenantJobs: async ({ params: { tenant }, query: { limit, before } }) => {
      if ((await store.accounts.get(tenant)) === undefined) throw notFound('There is no such tenant.', { tenant })
      const rows = await store.jobs.list({ tenant, limit, ...(before === undefined ? {} : { before }) })
      return { jobs: await listJobs(rows, market.modules) }
    },
    eraseTenant: ({ params: { tenant } }) => eraseTenant(tenant, market.modules),
    backup: async ({ body: { part, withKey, passphrase } }) => {
      if (tools.backup === undefined)
        throw new MusterError({ code: 'unavailable', message: 'This node has no database to back up.', retry: 'never' })
      if (withKey !== (passphrase !== undefined))
        throw badRequest(
          'The market’s key goes into a backup sealed: give withKey and a passphrase together, or neither.',
        )
      if (isBackingUp)
        throw new MusterError({ code: 'conflict', message: 'A backup is being made already.', retry: 'later' })
      isBackingUp = true
      try {
        return { stream: oneBackup(await tools.backup(part, passphrase)) }
      } catch (error) {
        isBackingUp = false
        throw error
      }
    },
  }
}
