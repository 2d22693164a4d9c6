import { testBlobCache } from '../blob-cache-compliance.ts'
import { openMemoryBlobCache } from './open-blob-cache.ts'

testBlobCache('memory', async (maxBytes) => openMemoryBlobCache({ maxBytes }))
