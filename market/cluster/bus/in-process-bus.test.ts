import { describeBus } from './bus-compliance.ts'
import { createInProcessBus } from './in-process-bus.ts'

describeBus('in process', async () => {
  const bus = createInProcessBus()
  let isCut = false
  return {
    join: async () => bus.join(() => isCut),
    breakOff: async () => {
      isCut = true
    },
    mend: async () => {
      isCut = false
    },
    close: async () => {},
  }
})
