import { silentLog } from '@muster/protocol'
import { expect, test } from 'vitest'
import { describeBus } from './bus-compliance.ts'
import { connectNatsBus } from './nats-bus.ts'
import { hasNats, howToGetNats, startNats } from './start-nats.ts'

if (hasNats()) {
  describeBus('NATS', async () => {
    const nats = await startNats()
    return {
      join: () => connectNatsBus({ url: nats.url, subject: 'muster.test' }, { log: silentLog }),
      breakOff: nats.stop,
      mend: nats.again,
      close: nats.stop,
    }
  })
} else test.skip(`bus: NATS (${howToGetNats})`, () => {})

test('a server that is not there is said, without what is secret in its URL', async () => {
  const connecting = connectNatsBus({ url: 'nats://user:secret@127.0.0.1:1', subject: 'x' }, { log: silentLog })
  await expect(connecting).rejects.toMatchObject({ code: 'unavailable' })
  await expect(connecting).rejects.toThrow(/^NATS does not answer at nats:\/\/127\.0\.0\.1:1: start nats-server there/)
})
