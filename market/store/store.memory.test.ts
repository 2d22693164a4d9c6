import { createMemoryDisk } from './memory/memory-disk.ts'
import { createMemoryStore } from './memory/create-memory-store.ts'
import { describeStore } from './store-compliance.ts'

describeStore('memory', async () => {
  const disk = createMemoryDisk()
  let store = createMemoryStore({ disk })
  return {
    store,
    reopen: async () => {
      await store.close()
      store = createMemoryStore({ disk })
      return store
    },
    close: () => store.close(),
  }
})
