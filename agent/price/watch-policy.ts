import { MusterError, type Log, type Timer, type World } from '@muster/protocol'
import type { PricePolicy } from './price-policy.ts'
import { parsePolicy } from './read-policy.ts'

export interface WatchPolicyOptions {
  readonly file: string
  /** What the policy in force was read from. */
  readonly text: string
  readonly everyMs: number
}

export interface WatchPolicyModules {
  readonly world: World
  readonly log: Log
  readonly readText: (file: string) => Promise<string>
  readonly onPolicy: (policy: PricePolicy) => void
}

const whyOf = (error: unknown): Readonly<Record<string, unknown>> =>
  error instanceof MusterError ? { error, ...error.facts } : { error }

/**
 * Looks at a price file again and again, and gives its policy on when it has changed. A text counts once two looks in a row found
 * it, so that half a file that is being written does not; one that cannot be used is said in the log, and the policy in force
 * stays. Gives what ends the watch.
 */
export const watchPolicy = (
  { file, text, everyMs }: WatchPolicyOptions,
  { world, log, readText, onPolicy }: WatchPolicyModules,
): (() => void) => {
  let taken = text
  let seen: string | null = text
  let misses = 0
  let isStopped = false
  let timer: Timer | null = null

  const take = (found: string): void => {
    taken = found
    try {
      onPolicy(parsePolicy(file, found))
      log.info('the price file has changed; its prices hold from now on', { file })
    } catch (error) {
      log.error('the price file cannot be used; the prices before it stay', { file, ...whyOf(error) })
    }
  }

  const look = async (): Promise<void> => {
    const found = await readText(file).catch((error: unknown) => {
      if (++misses === 2) log.warn('the price file cannot be read; its prices stay', { file, error })
      return null
    })
    if (isStopped) return
    if (found !== null) {
      misses = 0
      if (found === seen && found !== taken) take(found)
    }
    seen = found
    again()
  }

  const again = (): void => {
    timer = world.after(everyMs, () => void look())
  }
  again()
  return () => {
    isStopped = true
    timer?.cancel()
  }
}
