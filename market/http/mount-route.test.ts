import { cidOf, createLog, type JobId } from '@muster/protocol'
import { describe, expect, test, vi } from 'vitest'
import { noopSpec, problemOf, rehearse } from '../rehearsal/rehearse.ts'
import { createBodyBudget } from './body-budget.ts'

const send = (body: ReadableStream, headers: Record<string, string> = {}): RequestInit =>
  ({ method: 'POST', headers, body, duplex: 'half' }) as RequestInit

const endless = (onPull: () => void) =>
  new ReadableStream<Uint8Array>({
    pull: (controller) => {
      onPull()
      controller.enqueue(new Uint8Array(4_096).fill(0x20))
    },
  })

describe('the body of a request', () => {
  test('is refused past what its route takes, before it is read to its end', async () => {
    const stage = await rehearse()
    let parts = 0
    const ask = (path: string) => stage.app().request(path, send(endless(() => parts++)))
    expect(await problemOf(await ask('/v1/agent/challenge'))).toMatchObject({
      code: 'request_invalid',
      facts: { expected: 'at most 4096 bytes' },
    })
    expect(parts).toBeLessThan(5)
    parts = 0
    expect(await problemOf(await ask('/v1/offers/match'))).toMatchObject({
      facts: { expected: 'at most 262144 bytes' },
    })
    expect(parts).toBeLessThan(70)
  })

  test('is not read at all for a caller without a key', async () => {
    const stage = await rehearse()
    let isRead = false
    const body = new ReadableStream({ pull: () => void (isRead = true) }, { highWaterMark: 0 })
    expect((await stage.app().request('/v1/jobs', send(body))).status).toBe(401)
    expect(isRead).toBe(false)
  })

  test('is given up where it stands still', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant()
    const answers = ['/v1/agent/challenge', `/v1/blobs/${cidOf(new Uint8Array())}`].map(async (path) =>
      stage.app().request(path, {
        ...send(new ReadableStream(), { authorization: `Bearer ${tenant.apiKey}` }),
        method: path.includes('blobs') ? 'PUT' : 'POST',
      }),
    )
    await stage.world.advance(16_000)
    for (const answer of await Promise.all(answers)) {
      expect(await problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
    }
  })

  test('that breaks off is the fault of its sender, and no error of the market', async () => {
    const lines: string[] = []
    const stage = await rehearse({ log: createLog((line) => lines.push(line), { now: () => 0 } as never) })
    const tenant = await stage.tenant()
    const broken = () =>
      new ReadableStream({ pull: () => Promise.reject(new DOMException('This operation was aborted', 'AbortError')) })
    const headers = { authorization: `Bearer ${tenant.apiKey}` }
    const upload = { ...send(broken(), headers), method: 'PUT' }
    const answers = [
      await stage.app().request('/v1/jobs', send(broken(), headers)),
      await stage.app().request(`/v1/blobs/${cidOf(new Uint8Array())}`, upload),
    ]
    expect(answers.map(({ status }) => status)).toEqual([400, 400])
    expect(lines.filter((line) => line.includes('a request failed'))).toEqual([])
  })

  test('that is wrong in many places is answered in few words', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant()
    const wide = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`unknown${index}`, 'x'.repeat(20)]))
    const response = await tenant.request('POST', '/v1/jobs', { spec: { ...noopSpec(1), ...wide, name: [wide] } })
    expect(response.status).toBe(400)
    expect((await response.text()).length).toBeLessThan(10_000)
  })

  test('with a NUL in a name is refused', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant()
    expect((await tenant.request('POST', '/v1/keys', { name: 'a\u0000b' })).status).toBe(400)
    expect((await stage.admin('POST', '/v1/admin/tenants', { name: 'a\u0000b' })).status).toBe(400)
  })

  test('waits for others where bodies hold too much together', () => {
    const budget = createBodyBudget(100)
    const [first, second] = [budget.open(), budget.open()]
    first.take(60)
    expect(() => second.take(50)).toThrow('too many large requests')
    first.release()
    second.take(100)
    second.release()
    budget.open().take(100)
  })
})

test('the description of the API is made once', async () => {
  const stage = await rehearse()
  const read = async () => (await stage.app().request('/v1/openapi.json')).text()
  const first = await read()
  const stringify = vi.spyOn(JSON, 'stringify')
  expect(await read()).toBe(first)
  expect(stringify.mock.calls.filter(([value]) => Reflect.has(Object(value), 'openapi'))).toEqual([])
  stringify.mockRestore()
})

describe('an upload', () => {
  const bytesOf = (index: number): Uint8Array => new Uint8Array(400).fill(index)

  test('needs money, on the balance or in a job', async () => {
    const stage = await rehearse()
    const tenant = await stage.tenant(0n)
    expect(await problemOf(await tenant.upload(cidOf(bytesOf(1)), bytesOf(1)))).toMatchObject({
      status: 402,
      code: 'insufficient_funds',
    })
    expect(await stage.store().blobs.usage()).toEqual({ count: 0, bytes: 0 })
  })

  test('is refused where blobs of no job fill their room, by its length and without it', async () => {
    const stage = await rehearse({ market: { maxLooseBytes: 1_024, tenantLoosePercent: 100, keepBlobsMs: 3_600_000 } })
    const tenant = await stage.tenant()
    for (const index of [1, 2]) expect((await tenant.upload(cidOf(bytesOf(index)), bytesOf(index))).status).toBe(201)
    expect(await problemOf(await tenant.upload(cidOf(bytesOf(3)), bytesOf(3)))).toMatchObject({ code: 'disk_full' })
    await stage.world.advance(6_000)
    const headers = { authorization: `Bearer ${tenant.apiKey}` }
    const body = new Blob([Uint8Array.from(bytesOf(3))]).stream()
    const unsized = await stage
      .app()
      .request(`/v1/blobs/${cidOf(bytesOf(3))}`, { ...send(body, headers), method: 'PUT' })
    expect(await problemOf(unsized)).toMatchObject({ status: 507, code: 'disk_full', retry: 'later' })
    expect((await stage.store().blobs.usage()).count).toBe(2)
    await stage.world.advance(5_000_000)
    expect((await tenant.upload(cidOf(bytesOf(3)), bytesOf(3))).status).toBe(201)
  })

  describe('of one tenant', () => {
    const bounded = async () => {
      const stage = await rehearse({ market: { maxLooseBytes: 4_000 } })
      await stage.agent({ key: 1, slots: 1, nanoUsd: 100n })
      return { stage, tenant: await stage.tenant() }
    }
    const refusal = { status: 507, code: 'disk_full', fault: 'tenant', retry: 'later' }

    test('is refused past a quarter of the room, and leaves the rest to others', async () => {
      const { stage, tenant } = await bounded()
      const put = async (index: number) => (await tenant.upload(cidOf(bytesOf(index)), bytesOf(index))).status
      expect([await put(1), await put(2), await put(3)]).toEqual([201, 201, 507])
      expect(await problemOf(await tenant.upload(cidOf(bytesOf(3)), bytesOf(3)))).toMatchObject({
        ...refusal,
        facts: { expected: 'at most 1000 bytes of such blobs' },
      })
      await stage.world.advance(6_000)
      expect(await put(3)).toBe(507)
      const other = await stage.tenant()
      expect((await other.upload(cidOf(bytesOf(3)), bytesOf(3))).status).toBe(201)
      await stage.restart()
      expect(await put(4)).toBe(507)
    })

    test('is not refused for what a job uses, for what another brought in, nor for what is there', async () => {
      const { stage, tenant } = await bounded()
      const other = await stage.tenant()
      const put = async (of: typeof tenant, index: number) =>
        (await of.upload(cidOf(bytesOf(index)), bytesOf(index))).status
      expect([await put(other, 1), await put(other, 2), await put(tenant, 1), await put(tenant, 2)]).toEqual([
        201, 201, 201, 201,
      ])
      expect([await put(tenant, 3), await put(tenant, 4), await put(tenant, 3), await put(tenant, 5)]).toEqual([
        201, 201, 201, 507,
      ])
      const tasks = [{ inputs: [{ name: 'x', cid: cidOf(bytesOf(3)) }] }]
      await tenant.submit(noopSpec(1, { slots: 1, tasks }))
      await stage.world.advance(6_000)
      expect(await put(tenant, 5)).toBe(201)
    })

    test('counts while it arrives, and no longer where nothing of it is kept', async () => {
      const { stage, tenant } = await bounded()
      const headers = { authorization: `Bearer ${tenant.apiKey}` }
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
      const writer = writable.getWriter()
      const path = `/v1/blobs/${cidOf(bytesOf(1))}`
      const slow = Promise.resolve(stage.app().request(path, { ...send(readable, headers), method: 'PUT' }))
      await writer.write(new Uint8Array(800))
      await stage.world.settle()
      expect(await problemOf(await tenant.upload(cidOf(bytesOf(2)), bytesOf(2)))).toMatchObject(refusal)
      await writer.close()
      expect(await problemOf(await slow)).toMatchObject({ code: 'blob_corrupt' })
      expect((await tenant.upload(cidOf(bytesOf(2)), bytesOf(2))).status).toBe(201)
    })
  })

  test('is kept while its job is kept, and no longer', async () => {
    const stage = await rehearse({ market: { keepBlobsMs: 3_600_000, keepJobBlobsMs: 36_000_000 } })
    await stage.agent({ key: 1, slots: 1, nanoUsd: 100n })
    const tenant = await stage.tenant()
    await tenant.upload(cidOf(bytesOf(1)), bytesOf(1))
    const tasks = [{ inputs: [{ name: 'x', cid: cidOf(bytesOf(1)) }] }]
    const { id } = await tenant.submit(noopSpec(1, { slots: 1, tasks }))
    await stage.closed(tenant, id)
    await stage.world.advance(30_000_000)
    expect(await stage.blobs.size(cidOf(bytesOf(1)))).toBe(400)
    await stage.world.advance(10_000_000)
    expect(await stage.blobs.size(cidOf(bytesOf(1)))).toBeUndefined()
  })
})

describe('a stream of events', () => {
  const watchable = async () => {
    const stage = await rehearse()
    await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 600_000 })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(1, { slots: 1, limits: { taskTimeoutMs: 3_600_000 } }))
    await stage.world.settle()
    return { stage, tenant, id }
  }
  /** How many watch the job. */
  const countWatchers = ({ stage, id }: { stage: Awaited<ReturnType<typeof rehearse>>; id: JobId }) => {
    const actor = stage.market().modules.jobs.get(id)
    if (actor === undefined) throw new Error('no job')
    const { watch } = actor
    let count = 0
    Object.assign(actor, {
      watch: (listener: Parameters<typeof watch>[0]) => {
        const unwatch = watch(listener)
        count++
        return () => {
          count--
          unwatch()
        }
      },
    })
    return () => count
  }

  test('ends soon after the key that opened it is revoked', async () => {
    const { stage, tenant, id } = await watchable()
    const made = (await (await tenant.request('POST', '/v1/keys', { name: 'second' })).json()) as Record<string, string>
    const response = await stage
      .app()
      .request(`/v1/jobs/${id}/events`, { headers: { authorization: `Bearer ${made['apiKey']}` } })
    const text = response.text()
    await stage.world.advance(40_000)
    await tenant.request('DELETE', `/v1/keys/${made['key']}`)
    await stage.world.advance(40_000)
    expect(await Promise.race([text, Promise.resolve('still open')])).toContain('still here')
  })

  test('lets go of the job where its reader leaves without having read', async () => {
    const set = await watchable()
    const watchers = countWatchers(set)
    const response = await set.tenant.request('GET', `/v1/jobs/${set.id}/events`)
    await set.stage.world.settle()
    expect(watchers()).toBe(1)
    await response.body?.cancel()
    await set.stage.world.settle()
    expect(watchers()).toBe(0)
  })

  test('is opened a hundred times by one tenant at most', async () => {
    const { stage, tenant, id } = await watchable()
    const watch = () => tenant.request('GET', `/v1/jobs/${id}/events`)
    const open = await Promise.all(Array.from({ length: 100 }, watch))
    expect(new Set(open.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await problemOf(await watch())).toMatchObject({ status: 429, code: 'rate_limited' })
    await open[0]?.body?.cancel()
    const again = await watch()
    expect(again.status).toBe(200)
    for (const { body } of [...open.slice(1), again]) await body?.cancel()
    await stage.world.settle()
    expect((await watch()).status).toBe(200)
  })
})
