import type { Address, NamedBlob, NanoUsd, ReceiptId, TimelineEvent } from '@muster/protocol'

/** A task whose outputs may be used, and what it cost. */
export interface FinishedTask {
  readonly index: number
  /** Number of the attempt that was accepted; the ones before it were lost, failed or overturned. */
  readonly fence: number
  readonly provider: Address | undefined
  readonly outputs: readonly NamedBlob[]
  readonly amount: NanoUsd
  readonly receipt: ReceiptId
}

/** Picks finished tasks out of a timeline. It must see the events from the first one on to know who ran a task. */
export const createTaskFinder = (): ((event: TimelineEvent) => FinishedTask[]) => {
  const providers = new Map<number, { readonly fence: number; readonly provider: Address }>()
  return (event) => {
    const finished: FinishedTask[] = []
    for (const { index, fence, outputs, amount, receipt } of event.tasks ?? []) {
      if (fence === undefined) continue
      if (event.type === 'dispatched' && event.provider !== undefined)
        providers.set(index, { fence, provider: event.provider })
      if (event.type !== 'accepted' || outputs === undefined || amount === undefined || receipt === undefined) continue
      const ran = providers.get(index)
      const provider = event.provider ?? (ran?.fence === fence ? ran.provider : undefined)
      finished.push({ index, fence, provider, outputs, amount, receipt })
    }
    return finished
  }
}
