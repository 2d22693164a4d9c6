/** `unknown`: nothing contradicts it, but what it is to be held against was not given. */
export type CheckResult = 'ok' | 'failed' | 'unknown'

export interface ReceiptCheck {
  /** What holds when the check is passed, in a few words. */
  readonly name: string
  readonly result: CheckResult
  /** One clause: what was compared and what was found. */
  readonly why: string
}

export const checkThat = (name: string, holds: boolean, why: string, whyNot: string): ReceiptCheck => ({
  name,
  result: holds ? 'ok' : 'failed',
  why: holds ? why : whyNot,
})

/** Passes where all values are the same; names the odd ones. */
export const checkSame = (name: string, values: Readonly<Record<string, string | number | bigint>>): ReceiptCheck => {
  const entries = Object.entries(values)
  const [first] = entries
  const isSame = entries.every(([, value]) => value === first?.[1])
  return checkThat(
    name,
    isSame,
    String(first?.[1]),
    `these differ: ${entries.map(([who, value]) => `${who} ${value}`).join(', ')}`,
  )
}
