import { MusterError, silentLog, type TenantId } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createDenials } from '../admin/denials.ts'
import type { Denial } from '../store/admin-store.ts'
import type { Store } from '../store/store.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createLearnFacts } from './market-facts.ts'

const denial: Denial = {
  kind: 'tenant',
  subject: 'ten_01K5KRN0M0ABCDEFGHJKMNPQRS' as TenantId,
  reason: 'fraud',
  at: 1,
  by: 'op',
  expiresAt: null,
  stopped: true,
}

const setUp = (fails: { read: number; apply: number }) => {
  const stored: Denial[] = []
  const applied: Denial[] = []
  let reads = 0
  const away = (): MusterError => new MusterError({ code: 'unavailable', message: 'The database is away.' })
  const store = {
    admin: {
      denials: async () => {
        if (++reads === fails.read) throw away()
        return [...stored]
      },
    },
  } as unknown as Store
  const denials = createDenials({ world: createVirtualWorld(1), store })
  const learn = createLearnFacts({
    store,
    drain: { learn: () => {} } as never,
    audits: { learn: () => {} } as never,
    denials,
    apply: async (each) => {
      if (fails.apply-- > 0) throw away()
      applied.push(each)
    },
    log: silentLog,
  })
  const look = async (): Promise<void> => {
    learn(new Map(), 0)
    await new Promise(setImmediate)
  }
  return { stored, applied, denials, look }
}

test.each([
  ['nothing fails', { read: 0, apply: 0 }],
  ['it cannot be read the second time', { read: 4, apply: 0 }],
  ['it cannot be written to a job', { read: 0, apply: 1 }],
])('who is denied at another node is denied here once, where %s', async (_, fails) => {
  const { stored, applied, denials, look } = setUp(fails)
  await look()
  stored.push(denial)
  await look()
  await look()
  await look()
  expect(denials.all()).toEqual([denial])
  expect(applied).toEqual([denial])
})
