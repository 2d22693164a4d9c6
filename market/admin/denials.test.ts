import { newId } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { adminKey } from '../rehearsal/rehearse.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createMemoryStore } from '../store/memory/create-memory-store.ts'
import type { Denial } from '../store/admin-store.ts'
import { address } from '../store/test-records.ts'
import { createDenials } from './denials.ts'
import { stageAdmin } from './stage-admin.ts'

const provider = address('1')
const tenant = newId(createVirtualWorld(), 'tenant')
const targets = [
  { kind: 'tenant', subject: tenant },
  { kind: 'provider', subject: provider },
  { kind: 'region', subject: 'eu' },
  { kind: 'region', subject: 'us' },
] as const

const steps = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('deny' as const),
      target: fc.constantFrom(...targets),
      lastsMs: fc.option(fc.integer({ min: 1, max: 5_000 })),
    }),
    fc.record({ type: fc.constant('allow' as const), target: fc.constantFrom(...targets) }),
    fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
  ),
  { maxLength: 40 },
)

test('whatever is denied, allowed and waited for, what holds is what was said last and is not over', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const world = createVirtualWorld()
      const store = createMemoryStore()
      const denials = createDenials({ world, store })
      /** What holds, told from the outside only at changes. */
      let told = new Set<string>()
      denials.onChange(() => {
        told = new Set(denials.all().map(({ subject }) => subject))
      })
      const model = new Map<string, number>()
      await denials.load()
      for (const step of given) {
        if (step.type === 'wait') await world.advance(step.ms)
        else if (step.type === 'allow') {
          expect(await store.admin.allow(step.target)).toBe(model.delete(step.target.subject))
          await denials.load()
        } else {
          const expiresAt = step.lastsMs === null ? null : world.now() + step.lastsMs
          const rest: Omit<Denial, 'kind' | 'subject'> = { reason: 'x', at: 1, by: 'owner', expiresAt, stopped: false }
          await store.admin.deny({ ...step.target, ...rest })
          model.set(step.target.subject, expiresAt ?? Infinity)
          await denials.load()
        }
        const isHeld = (subject: string): boolean => (model.get(subject) ?? 0) > world.now()
        for (const { kind, subject } of targets) expect(denials.find(kind, subject) !== undefined).toBe(isHeld(subject))
        expect([...told].toSorted()).toEqual([...model.keys()].filter(isHeld).toSorted())
        expect(denials.ofJob(tenant, null) !== undefined).toBe(isHeld(tenant))
        expect(denials.ofProvider(provider, ['eu']) !== undefined).toBe(isHeld(provider) || isHeld('eu'))
        expect(denials.ofProvider(address('2'), ['us']) !== undefined).toBe(isHeld('us'))
      }
    }),
    { numRuns: 100 },
  )
})

test('no body makes the admin API fail: it is taken, or refused with what is wrong', async () => {
  const { owner } = await stageAdmin(adminKey)
  const member = fc.constantFrom('target', 'reason', 'expiresAt', 'stop', 'name', 'role', 'kind', 'subject', 'withKey')
  const body = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(member, fc.oneof(fc.jsonValue(), fc.dictionary(member, fc.jsonValue())), { maxKeys: 6 }),
  )
  const paths = ['denials', 'denials/end', 'drain', 'undrain', 'keys', 'backup'].map((path) => `/v1/admin/${path}`)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), body, async (path, json) => {
      const answer = await owner('POST', path, json)
      expect([200, 201, 400, 404, 503]).toContain(answer.status)
      expect(answer.body['code']).not.toBe('internal')
    }),
    { numRuns: 200 },
  )
})
