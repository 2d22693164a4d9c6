import { testWorkload } from '../workload-compliance.ts'
import { createNoopWorkload } from './create-workload.ts'

testWorkload('noop', {
  open: createNoopWorkload,
  blobs: new Map(),
  good: { program: null, inputs: [] },
  endless: null,
})
