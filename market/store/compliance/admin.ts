import type { ActionId } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import type { AdminAction, Denial } from '../admin-store.ts'
import { at, someId } from '../test-records.ts'
import { refusal, type OpenStore } from './expectations.ts'

export const describeAdmin = (under: OpenStore): void => {
  describe('admin', () => {
    test('a key is found by its id, listed and revoked once', async () => {
      const sha256 = new Uint8Array(32).fill(9)
      const key = {
        id: someId('key'),
        name: 'pager',
        role: 'operator',
        lastFour: 'wxyz',
        createdBy: 'owner',
        createdAt: at,
        revokedAt: null,
      } as const
      await under.store.admin.addKey({ ...key, sha256 })
      expect((await refusal(under.store.admin.addKey({ ...key, sha256 }))).code).toBe('conflict')
      expect(await under.store.admin.key(key.id)).toEqual({ key, sha256 })
      expect(await under.store.admin.key(someId('key'))).toBeUndefined()
      const other = { ...key, id: someId('key') }
      await under.store.admin.addKey({ ...other, sha256 })
      expect((await under.store.admin.keys()).map(({ id }) => id)).toEqual([key.id, other.id].toSorted().toReversed())
      expect(await under.store.admin.revokeKey(key.id, at + 5)).toBe(true)
      expect(await under.store.admin.revokeKey(key.id, at + 6)).toBe(false)
      expect(await under.store.admin.revokeKey(someId('key'), at)).toBe(false)
      expect((await under.store.admin.key(key.id))?.key.revokedAt).toBe(at + 5)
    })

    test('the log keeps what was written, newest first, page by page', async () => {
      const ids = [someId('action'), someId('action'), someId('action')].toSorted() as [ActionId, ActionId, ActionId]
      const [first] = ids
      const write = (id: ActionId, change: Partial<AdminAction> = {}): AdminAction => ({
        id,
        at,
        actor: 'owner',
        actorName: 'owner',
        role: 'owner',
        action: 'deny',
        facts: { target: { kind: 'region', subject: 'eu’s "west"' }, stop: true },
        reason: 'noise\n',
        outcome: 'asked',
        of: null,
        code: null,
        ...change,
      })
      const written = [
        write(ids[0]),
        write(ids[1], { outcome: 'refused', of: first, code: 'not_found' }),
        write(ids[2], { role: 'support' }),
      ]
      for (const action of written) await under.store.admin.record(action)
      expect(await under.store.admin.actions({ limit: 9 })).toEqual(written.toReversed())
      expect(await under.store.admin.actions({ limit: 1, before: ids[2] })).toEqual([written[1]])
    })

    test('a denial replaces the one before it and ends when it is allowed', async () => {
      const denial: Denial = {
        kind: 'region',
        subject: 'eu-west',
        reason: 'a flood',
        at,
        by: 'owner',
        expiresAt: null,
        stopped: false,
      }
      await under.store.admin.deny(denial)
      const changed = { ...denial, reason: 'a fire', at: at + 1, expiresAt: at + 100, stopped: true }
      await under.store.admin.deny(changed)
      const other: Denial = { ...denial, kind: 'tenant', subject: someId('tenant'), at: at + 2 }
      await under.store.admin.deny(other)
      expect(await under.store.admin.denials()).toEqual([other, changed])
      expect(await under.store.admin.allow(changed)).toBe(true)
      expect(await under.store.admin.allow(changed)).toBe(false)
      expect(await under.store.admin.denials()).toEqual([other])
    })
  })
}
