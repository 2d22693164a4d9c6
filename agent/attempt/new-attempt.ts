import type { Start } from '@muster/protocol'
import type { HeldAttempt, HeldStarts } from '../book/book.ts'

export const newAttempt = (starts: HeldStarts, start: Start): HeldAttempt => ({
  id: start.attempt,
  market: starts.market,
  starts,
  start,
  abort: new AbortController(),
  phase: 'queued',
  isDurable: false,
  preparation: 'none',
  ending: null,
  report: null,
  outputs: [],
  needs: [],
})
