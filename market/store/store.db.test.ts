import { systemWorld } from '@muster/protocol'
import { createPostgresStore } from './postgres/create-postgres-store.ts'
import { describeStore } from './store-compliance.ts'
import { openTestDatabase } from './test-database.ts'

describeStore('Postgres', async () => {
  const database = await openTestDatabase()
  const open = () => createPostgresStore({ connection: database.connection }, { world: systemWorld })
  let store = await open()
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await open()
      return store
    },
    close: async () => {
      await store.close()
      await database.close()
    },
  }
})
