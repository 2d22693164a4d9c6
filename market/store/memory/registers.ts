import { toHex } from '@muster/protocol'
import { keyTaken, tenantMissing, tenantTaken } from '../refusals.ts'
import type { Accounts, ApiKey, Blobs, Providers } from '../store.ts'
import { dropRefs, putBlob } from './apply-commit.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { newestFirst, oldestFirst } from './page.ts'

const shown = ({ sha256: _, ...key }: ApiKey & { readonly sha256: string }): ApiKey => key

export const memoryAccounts = (disk: MemoryDisk): Accounts => ({
  create: async (tenant) => {
    if (disk.tenants.has(tenant.id)) throw tenantTaken(tenant.id)
    disk.tenants.set(tenant.id, { ...tenant })
  },
  get: async (id) => disk.tenants.get(id),
  list: async (page) => oldestFirst(disk.tenants.values(), ({ id }) => id, page),
  addKey: async ({ sha256, ...key }) => {
    const hash = toHex(sha256)
    if (!disk.tenants.has(key.tenant)) throw tenantMissing(key.tenant)
    if (disk.keys.has(key.id) || [...disk.keys.values()].some((each) => each.sha256 === hash)) throw keyTaken(key.id)
    disk.keys.set(key.id, { ...key, sha256: hash })
  },
  keyByHash: async (sha256) => {
    const hash = toHex(sha256)
    const key = [...disk.keys.values()].find((each) => each.sha256 === hash)
    const tenant = key === undefined ? undefined : disk.tenants.get(key.tenant)
    return key === undefined || tenant === undefined ? undefined : { key: shown(key), tenant }
  },
  keys: async (tenant) =>
    newestFirst(
      [...disk.keys.values()].filter((key) => key.tenant === tenant),
      ({ id }) => id,
      { limit: Infinity },
    ).map(shown),
  revokeKey: async ({ tenant, id, at }) => {
    const key = disk.keys.get(id)
    if (key === undefined || key.tenant !== tenant || key.revokedAt !== null) return false
    disk.keys.set(id, { ...key, revokedAt: at })
    return true
  },
  markKeyUsed: async (id, at) => {
    const key = disk.keys.get(id)
    if (key !== undefined) disk.keys.set(id, { ...key, lastUsedAt: Math.max(at, key.lastUsedAt ?? 0) })
  },
  addNotice: async (tenant, notice) => {
    if (!disk.tenants.has(tenant)) throw tenantMissing(tenant)
    const known = disk.notices.get(tenant) ?? []
    if (known.some(({ number }) => number === notice.number)) return false
    disk.notices.set(
      tenant,
      [...known, notice].toSorted((a, b) => a.number - b.number),
    )
    return true
  },
  notices: async (tenant, { limit, after = 0 }) =>
    (disk.notices.get(tenant) ?? []).filter(({ number }) => number > after).slice(0, limit),
  lastNotices: async (tenants) =>
    new Map(
      tenants.flatMap((tenant) => {
        const last = disk.notices.get(tenant)?.at(-1)
        return last === undefined ? [] : [[tenant, last] as const]
      }),
    ),
  notStanding: async (standing) =>
    [...disk.notices]
      .filter(([, notices]) => notices.at(-1)?.standing !== standing)
      .map(([tenant]) => tenant)
      .toSorted(),
})

export const memoryProviders = (disk: MemoryDisk): Providers => {
  const see = (address: Parameters<Providers['markSeen']>[0], at: number) => {
    const row = disk.providers.get(address) ?? { address, epoch: 0, firstSeenAt: at, lastSeenAt: at }
    return { ...row, lastSeenAt: Math.max(row.lastSeenAt, at) }
  }
  return {
    get: async (address) => disk.providers.get(address),
    list: async (page) => oldestFirst(disk.providers.values(), ({ address }) => address, page),
    markSeen: async (address, at) => {
      disk.providers.set(address, see(address, at))
    },
    advanceEpoch: async (address, epoch, at) => {
      if (epoch <= (disk.providers.get(address)?.epoch ?? 0)) return false
      disk.providers.set(address, { ...see(address, at), epoch })
      return true
    },
  }
}

export const memoryBlobs = (disk: MemoryDisk): Blobs => {
  const isFree = (cid: Parameters<Blobs['get']>[0], olderThan: number): boolean => {
    const row = disk.blobs.get(cid)
    return row !== undefined && row.createdAt < olderThan && (disk.refCounts.get(cid) ?? 0) === 0
  }
  return {
    put: async (row, uploader) => {
      if (uploader !== undefined && !disk.blobs.has(row.cid)) disk.uploaders.set(row.cid, uploader)
      putBlob(disk, row)
    },
    get: async (cid) => disk.blobs.get(cid),
    known: async (cids) => new Set(cids.filter((cid) => disk.blobs.has(cid))),
    usage: async () => ({
      count: disk.blobs.size,
      bytes: [...disk.blobs.values()].reduce((total, { bytes }) => total + bytes, 0),
    }),
    unreferenced: async ({ olderThan, limit }) =>
      [...disk.blobs.values()]
        .filter(({ cid }) => isFree(cid, olderThan))
        .toSorted((a, b) => a.createdAt - b.createdAt || (a.cid < b.cid ? -1 : 1))
        .slice(0, limit),
    remove: async (cid, olderThan) => {
      if (!isFree(cid, olderThan)) return false
      disk.uploaders.delete(cid)
      return disk.blobs.delete(cid)
    },
    unreferencedBytes: async (uploader) => {
      let total = 0
      for (const { cid, bytes } of disk.blobs.values()) {
        const isAsked = uploader === undefined || disk.uploaders.get(cid) === uploader
        if (isAsked && (disk.refCounts.get(cid) ?? 0) === 0) total += bytes
      }
      return total
    },
    dropRefs: async (job) => dropRefs(disk, job),
    dropRefsOfClosed: async (closedBefore) => {
      let dropped = 0
      for (const job of [...disk.refsOfJob.keys()]) {
        const closedAt = disk.jobs.get(job)?.closedAt ?? null
        if (closedAt !== null && closedAt < closedBefore) dropped += dropRefs(disk, job)
      }
      return dropped
    },
  }
}
