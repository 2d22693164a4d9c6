import { createMuster, toJson, type Muster, type MusterOptions } from '@muster/sdk'
import { chooseMarket, type MarketFlags } from '../context/choose-market.ts'
import type { Context } from '../context/context.ts'
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
  /** The market and key in use. Throws `request_invalid` where none is named. */
  context(): Promise<Context>
  connect(options?: Partial<MusterOptions>): Promise<Muster>
  /** Writes a result: one JSON document with --json, else what `human` gives. */
  print(document: unknown, human: () => string): void
}

export const openSession = (shell: Shell, flags: GlobalFlags): Session => {
  const { terminal, env, directory } = shell
  const isJson = flags.json === true
  const silent: Terminal = { ...terminal, stderr: { ...terminal.stderr, isTty: false, write: () => undefined } }
  const progress = createProgress(isJson ? silent : terminal)
  let chosen: Promise<Context> | undefined
  const context = () => (chosen ??= chooseMarket(flags, env, directory))
  return {
    ...shell,
    isJson,
    style: styleFor(terminal),
    progress,
    context,
    connect: async (options = {}) => {
      const { url, apiKey, market, chainId } = await context()
      return createMuster({ url, apiKey, market, chainId, ...options })
    },
    print: (document, human) => progress.print(isJson ? `${toJson(document, 2)}\n` : human()),
  }
}
