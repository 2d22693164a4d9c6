import { outsideAccount, systemWorld, tenantAccount } from '@muster/protocol'
import { startEmbeddedPostgres } from './embedded/start-embedded-postgres.ts'
import { createPostgresStore } from './postgres/create-postgres-store.ts'
import { at, move, someEvent, someId } from './test-records.ts'

// Run by kill.db.test.ts: writes on a directory until it is killed, and prints each commit once it is acknowledged.

const [directory = ''] = process.argv.slice(2)
const callers = 16
const embedded = await startEmbeddedPostgres({ directory }, { world: systemWorld })
const store = await createPostgresStore({ connection: embedded.connection }, { world: systemWorld })

const write = async (): Promise<never> => {
  const [job, tenant] = [someId('job'), someId('tenant')]
  for (let version = 0; ; version++) {
    await store.commit({
      appends: [{ stream: job, expectedVersion: version, events: [someEvent()], at }],
      entries: [move(outsideAccount, tenantAccount(tenant), 1n)],
    })
    process.stdout.write(`${job} ${tenant} ${version + 1}\n`)
  }
}

await Promise.all(Array.from({ length: callers }, write))
