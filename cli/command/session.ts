import { createMuster, toJson, type JobId, type Markets, type Muster, type MusterOptions } from '@muster/sdk'
import { chooseMarkets, type MarketFlags } from '../context/choose-markets.ts'
import type { MarketContext } from '../context/context.ts'
import { createProgress, type Progress } from '../terminal/create-progress.ts'
import { styleFor, type Style } from '../terminal/style.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** The world of the program as it was started. */
export interface Shell {
  readonly terminal: Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  /** What relative paths are relative to. */
  readonly directory: string
  /** Aborts when the person presses Ctrl-C. */
  readonly signal: AbortSignal
  now(): number
}

export interface GlobalFlags extends MarketFlags {
  readonly json?: boolean
  readonly verbose?: boolean
}

/** What every command gets: where to write, and the market once it is needed. */
export interface Session extends Shell {
  readonly isJson: boolean
  readonly style: Style
  readonly progress: Progress
  /** The market and key in use; of several the first. Throws `request_invalid` where none is named. */
  context(): Promise<MarketContext>
  /** All markets in use, the first in front. Throws as `context`. */
  contexts(): Promise<readonly MarketContext[]>
  connect(options?: Partial<MusterOptions>): Promise<Muster>
  /** A client of all markets in use. */
  connectAll(): Promise<Markets>
  /** A client of the market that has this job: of several, each is asked. */
  connectFor(job: JobId): Promise<Muster>
  /** Writes a result: one JSON document with --json, else what `human` gives, broken to the width of the terminal unless it is to stay `as-is`. */
  print(document: unknown, human: () => string, shape?: 'wrapped' | 'as-is'): void
}

export const openSession = (shell: Shell, flags: GlobalFlags): Session => {
  const { terminal, env, directory } = shell
  const isJson = flags.json === true
  const silent: Terminal = { ...terminal, stderr: { ...terminal.stderr, isTty: false, write: () => undefined } }
  const progress = createProgress(isJson ? silent : terminal)
  let chosen: Promise<readonly MarketContext[]> | undefined
  const contexts = () => (chosen ??= chooseMarkets(flags, env, directory))
  const context = async (): Promise<MarketContext> => {
    const [first] = await contexts()
    if (first === undefined) throw new RangeError('no market was chosen')
    return first
  }
  const connect = async (options: Partial<MusterOptions> = {}): Promise<Muster> => {
    const { url, apiKey, market, chainId } = await context()
    return createMuster({ url, apiKey, market, chainId, ...options })
  }
  const connectAll = async (): Promise<Markets> =>
    createMuster({
      markets: (await contexts()).map(({ url, apiKey, market, chainId }) => ({ url, apiKey, market, chainId })),
    })
  return {
    ...shell,
    isJson,
    style: styleFor(terminal),
    progress,
    context,
    contexts,
    connect,
    connectAll,
    connectFor: async (job) => {
      if ((await contexts()).length === 1) return connect()
      return (await connectAll()).marketOf(job, { signal: shell.signal })
    },
    print: (document, human, shape) =>
      isJson ? progress.print(`${toJson(document, 2)}\n`, 'stdout', 'as-is') : progress.print(human(), 'stdout', shape),
  }
}
