import { silentLog } from '@muster/protocol'
import { expect, test } from 'vitest'
import type { NodeTools } from '../http/admin-handlers.ts'
import { createApp } from '../http/app.ts'
import { createMarketMetrics } from '../metric/market-metrics.ts'
import { adminKey, problemOf, rehearse } from '../rehearsal/rehearse.ts'

const stageWith = async (tools: NodeTools) => {
  const stage = await rehearse()
  const market = stage.market()
  const app = createApp({ market, metrics: createMarketMetrics(market), adminKey, log: silentLog, tools })
  const ask = async (body: Record<string, unknown>) =>
    app.request('/v1/admin/backup', {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return { stage, ask }
}

const bytesOf = async function* (...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield new TextEncoder().encode(part)
}

test('is streamed, one at a time, and the passphrase is not recorded', async () => {
  const parts: string[] = []
  const passphrases: (string | undefined)[] = []
  const { stage, ask } = await stageWith({
    backup: async (part, passphrase) => {
      parts.push(part)
      passphrases.push(passphrase)
      return bytesOf('one', 'two')
    },
  })
  const first = await ask({ reason: 'nightly' })
  expect(first.headers.get('content-length')).toBeNull()
  expect(await problemOf(await ask({}))).toMatchObject({ status: 409, code: 'conflict' })
  expect(await first.text()).toBe('onetwo')
  const passphrase = 'correct horse battery'
  expect(await (await ask({ withKey: true, passphrase })).text()).toBe('onetwo')
  expect(await (await ask({ part: 'keys' })).text()).toBe('onetwo')
  expect(passphrases).toEqual([undefined, passphrase, undefined])
  expect(parts).toEqual(['data', 'data', 'keys'])
  const actions = await stage.store().admin.actions({ limit: 10 })
  expect(actions.filter(({ outcome }) => outcome === 'asked').map(({ facts }) => facts)).toEqual([
    { part: 'keys', withKey: false },
    { part: 'data', withKey: true },
    { part: 'data', withKey: false },
    { part: 'data', withKey: false },
  ])
  expect(JSON.stringify(actions)).not.toContain('horse')
})

test('that its reader gives up makes room for the next', async () => {
  const { ask } = await stageWith({ backup: async () => bytesOf('one', 'two', 'three') })
  await (await ask({})).body?.cancel()
  expect((await ask({})).status).toBe(200)
})

test('that cannot be begun makes room for the next', async () => {
  let isDown = true
  const { ask } = await stageWith({
    backup: () => (isDown ? Promise.reject(new Error('down')) : Promise.resolve(bytesOf('one'))),
  })
  expect((await ask({})).status).toBe(500)
  isDown = false
  expect(await (await ask({})).text()).toBe('one')
})

test.each([{ withKey: true }, { passphrase: 'correct horse battery' }, { withKey: true, passphrase: 'short' }])(
  'of %j is refused: the key goes with a passphrase, or not at all',
  async (body) => {
    const { ask } = await stageWith({ backup: () => Promise.reject(new Error('never')) })
    expect((await ask(body)).status).toBe(400)
  },
)

test('a node without a database says so', async () => {
  const { ask } = await stageWith({})
  expect(await problemOf(await ask({}))).toMatchObject({ status: 503, code: 'unavailable', retry: 'never' })
})
