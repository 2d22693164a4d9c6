import type { Cid } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { address, at, someCid, someId, someJobRow } from '../test-records.ts'
import { refusal, type OpenStore } from './expectations.ts'

export const describeRegisters = (under: OpenStore): void => {
  describe('accounts', () => {
    test('tenants are made once and listed oldest first', async () => {
      const tenant = { id: someId('tenant'), address: address('9'), createdAt: at }
      await under.store.accounts.create(tenant)
      expect(await under.store.accounts.get(tenant.id)).toEqual(tenant)
      expect(await under.store.accounts.get(someId('tenant'))).toBeUndefined()
      expect((await refusal(under.store.accounts.create(tenant))).code).toBe('conflict')
      const other = { id: someId('tenant'), address: null, createdAt: at }
      await under.store.accounts.create(other)
      const [first, second] = [tenant, other].toSorted((a, b) => (a.id < b.id ? -1 : 1))
      if (first === undefined) throw new Error('a tenant')
      expect(await under.store.accounts.list({ limit: 9 })).toEqual([first, second])
      expect(await under.store.accounts.list({ limit: 9, after: first.id })).toEqual([second])
    })

    test('a key is found by its hash, used and revoked', async () => {
      const tenant = { id: someId('tenant'), address: null, createdAt: at }
      await under.store.accounts.create(tenant)
      const sha256 = new Uint8Array(32).fill(7)
      const key = {
        id: someId('key'),
        tenant: tenant.id,
        lastFour: 'wxyz',
        createdAt: at,
        revokedAt: null,
        lastUsedAt: null,
      }
      expect((await refusal(under.store.accounts.addKey({ ...key, sha256, tenant: someId('tenant') }))).code).toBe(
        'not_found',
      )
      await under.store.accounts.addKey({ ...key, sha256 })
      expect(await under.store.accounts.keyByHash(sha256)).toEqual({ key, tenant })
      expect(await under.store.accounts.keyByHash(new Uint8Array(32))).toBeUndefined()
      expect((await refusal(under.store.accounts.addKey({ ...key, id: someId('key'), sha256 }))).code).toBe('conflict')
      await under.store.accounts.markKeyUsed(key.id, at + 5)
      await under.store.accounts.markKeyUsed(key.id, at + 3)
      expect(await under.store.accounts.revokeKey({ tenant: someId('tenant'), id: key.id, at })).toBe(false)
      expect(await under.store.accounts.revokeKey({ tenant: tenant.id, id: key.id, at: at + 9 })).toBe(true)
      expect(await under.store.accounts.revokeKey({ tenant: tenant.id, id: key.id, at: at + 10 })).toBe(false)
      expect(await under.store.accounts.keys(tenant.id)).toEqual([{ ...key, lastUsedAt: at + 5, revokedAt: at + 9 }])
    })
  })

  describe('personal data', () => {
    test('a tenant’s key is made once, and gone once it is erased', async () => {
      const { personal } = under.store
      const tenant = someId('tenant')
      expect(await personal.key(tenant)).toBeUndefined()
      await personal.addKey(tenant, Uint8Array.of(1, 2))
      await personal.addKey(tenant, Uint8Array.of(3))
      expect(Buffer.from((await personal.key(tenant)) ?? [])).toEqual(Buffer.of(1, 2))
      expect(await personal.erase(tenant, at)).toBe(true)
      expect(await personal.erase(tenant, at)).toBe(false)
      await personal.addKey(tenant, Uint8Array.of(4))
      expect(await personal.key(tenant)).toBeNull()
      const never = someId('tenant')
      expect(await personal.erase(never, at)).toBe(true)
      expect(await personal.key(never)).toBeNull()
    })

    test('texts are kept by subject, the first of each, until their tenant or their job goes', async () => {
      const { personal } = under.store
      const [tenant, other, job] = [someId('tenant'), someId('tenant'), someId('job')]
      const text = (subject: string, of: typeof tenant, ...bytes: number[]) => ({
        subject,
        tenant: of,
        sealed: Uint8Array.from(bytes),
      })
      const read = async (...subjects: string[]) =>
        new Map([...(await personal.texts(subjects))].map(([subject, sealed]) => [subject, [...sealed]]))
      await personal.add(text(tenant, tenant, 0, 255))
      await under.store.commit({
        texts: [text(job, tenant, 7), text(other, other, 8), text(tenant, tenant, 9)],
        jobs: [someJobRow(job, tenant, { phase: 'succeeded', closedAt: at })],
      })
      expect(await read(tenant, job, other, someId('job'))).toEqual(
        new Map<string, number[]>([
          [tenant, [0, 255]],
          [job, [7]],
          [other, [8]],
        ]),
      )
      expect(await personal.dropOfClosed(at)).toBe(0)
      expect(await personal.dropOfClosed(at + 1)).toBe(1)
      expect(await read(tenant, job)).toEqual(new Map([[tenant, [0, 255]]]))
      await personal.erase(tenant, at)
      expect(await read(tenant, other)).toEqual(new Map([[other, [8]]]))
    })
  })

  describe('providers', () => {
    test('an epoch only moves on', async () => {
      const provider = address('1')
      expect(await under.store.providers.get(provider)).toBeUndefined()
      await under.store.providers.markSeen(provider, at)
      expect(await under.store.providers.advanceEpoch(provider, 5, at + 10)).toBe(true)
      expect(await under.store.providers.advanceEpoch(provider, 5, at + 20)).toBe(false)
      expect(await under.store.providers.advanceEpoch(provider, 4, at + 20)).toBe(false)
      await under.store.providers.markSeen(provider, at + 5)
      expect(await under.store.providers.get(provider)).toEqual({
        address: provider,
        epoch: 5,
        firstSeenAt: at,
        lastSeenAt: at + 10,
      })
      expect(await under.store.providers.advanceEpoch(address('2'), 1, at)).toBe(true)
      expect((await under.store.providers.list({ limit: 9 })).map((row) => row.address)).toEqual([
        provider,
        address('2'),
      ])
      expect(await under.store.providers.list({ limit: 9, after: address('2') })).toEqual([])
    })

    test('of two links with one epoch one wins', async () => {
      const provider = address('3')
      const won = await Promise.all([1, 2, 3].map(() => under.store.providers.advanceEpoch(provider, 7, at)))
      expect(won.filter(Boolean)).toHaveLength(1)
    })
  })

  describe('blobs', () => {
    test('a blob that a job refers to is not collected, another is', async () => {
      const job = someId('job')
      const [kept, loose, young] = ['kept', 'loose', 'young'].map((text) => someCid(`${text} ${job}`))
      if (!kept || !loose || !young) throw new Error('cids')
      const before = await under.store.blobs.usage()
      await under.store.blobs.put({ cid: kept, bytes: 5, createdAt: 100 })
      await under.store.commit({
        blobs: [
          { cid: loose, bytes: 7, createdAt: 90 },
          { cid: young, bytes: 9, createdAt: 300 },
        ],
        blobRefs: [{ cid: kept, job }],
      })
      expect(await under.store.blobs.usage()).toEqual({ count: before.count + 3, bytes: before.bytes + 21 })
      expect(await under.store.blobs.known([kept, young, someCid('unknown')])).toEqual(new Set([kept, young]))
      expect(await under.store.blobs.unreferenced({ olderThan: 200, limit: 9 })).toEqual([
        { cid: loose, bytes: 7, createdAt: 90 },
      ])
      expect(await under.store.blobs.remove(kept, 200)).toBe(false)
      expect(await under.store.blobs.remove(young, 200)).toBe(false)
      expect(await under.store.blobs.remove(loose, 200)).toBe(true)
      expect(await under.store.blobs.remove(loose, 200)).toBe(false)
      expect(await under.store.blobs.get(loose)).toBeUndefined()
      expect(await under.store.blobs.dropRefs(job)).toBe(1)
      expect(await under.store.blobs.dropRefs(job)).toBe(0)
      expect(await under.store.blobs.remove(kept, 200)).toBe(true)
    })

    test('what closed jobs keep is let go of in time, and the bytes of no job are counted', async () => {
      const tenant = someId('tenant')
      const open = someJobRow(someId('job'), tenant)
      const closed = someJobRow(someId('job'), tenant, { phase: 'succeeded', closedAt: 5_000 })
      const [ofOpen, ofClosed] = [someCid(`of ${open.id}`), someCid(`of ${closed.id}`)]
      const before = await under.store.blobs.unreferencedBytes()
      await under.store.commit({
        jobs: [open, closed],
        blobs: [
          { cid: ofOpen, bytes: 5, createdAt: 100 },
          { cid: ofClosed, bytes: 7, createdAt: 100 },
        ],
        blobRefs: [
          { cid: ofOpen, job: open.id },
          { cid: ofClosed, job: closed.id },
        ],
      })
      expect(await under.store.blobs.unreferencedBytes()).toBe(before)
      expect(await under.store.blobs.dropRefsOfClosed(5_000)).toBe(0)
      expect(await under.store.blobs.dropRefsOfClosed(5_001)).toBe(1)
      expect(await under.store.blobs.unreferencedBytes()).toBe(before + 7)
      expect(await under.store.blobs.remove(ofOpen, 200)).toBe(false)
      expect(await under.store.blobs.remove(ofClosed, 200)).toBe(true)
    })

    test('what a tenant brought in and no job uses is counted, by whoever brought it in first', async () => {
      const [first, second] = [someId('tenant'), someId('tenant')]
      const job = someId('job')
      const [own, shared, output] = ['own', 'shared', 'output'].map((text) => someCid(`${text} ${job}`))
      if (!own || !shared || !output) throw new Error('cids')
      const row = (cid: Cid, bytes: number) => ({ cid, bytes, createdAt: 100 })
      await under.store.blobs.put(row(output, 2))
      await under.store.blobs.put(row(output, 2), first)
      await under.store.blobs.put(row(own, 3), first)
      await under.store.blobs.put(row(shared, 5), first)
      await under.store.blobs.put(row(shared, 5), second)
      const held = () => Promise.all([first, second].map((tenant) => under.store.blobs.unreferencedBytes(tenant)))
      expect(await held()).toEqual([8, 0])
      await under.store.commit({ blobs: [row(shared, 5)], blobRefs: [{ cid: shared, job }] })
      expect(await held()).toEqual([3, 0])
      await under.store.blobs.dropRefs(job)
      expect(await held()).toEqual([8, 0])
      expect(await under.store.blobs.remove(shared, 200)).toBe(true)
      await under.store.blobs.put(row(shared, 5), second)
      expect(await held()).toEqual([3, 5])
      for (const cid of [own, shared, output]) await under.store.blobs.remove(cid, 200)
    })

    test('a blob put again is young again', async () => {
      const cid = someCid(someId('job'))
      await under.store.blobs.put({ cid, bytes: 5, createdAt: 100 })
      await under.store.blobs.put({ cid, bytes: 5, createdAt: 400 })
      await under.store.blobs.put({ cid, bytes: 5, createdAt: 50 })
      expect(await under.store.blobs.get(cid)).toEqual({ cid, bytes: 5, createdAt: 400 })
      expect(await under.store.blobs.remove(cid, 200)).toBe(false)
    })

    test('a reference to a blob that is not there is refused', async () => {
      const error = await refusal(under.store.commit({ blobRefs: [{ cid: someCid('missing'), job: someId('job') }] }))
      expect(error.code).toBe('blob_missing')
      expect(error.facts).toMatchObject({ cid: someCid('missing') })
    })
  })
}
