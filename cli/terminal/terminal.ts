/** Where text goes and what it may look like. */
export interface TextStream {
  write(text: string): void
  /** A person watches: colours, bars and cursor movement make sense. */
  readonly isTty: boolean
  /** Width in cells; unlimited where nobody watches. */
  readonly columns: number
  readonly rows: number
}

export interface Terminal {
  readonly stdout: TextStream
  readonly stderr: TextStream
  /** Whether to colour: a terminal, and neither NO_COLOR nor TERM=dumb; FORCE_COLOR overrules. */
  readonly hasColor: boolean
  /** Milliseconds of a clock that never steps. */
  elapsed(): number
}

/** Of what a terminal says of itself: one without a window says 0. */
const cellsOf = (stream: NodeJS.WriteStream, side: 'columns' | 'rows'): number =>
  stream.isTTY === true && stream[side] > 0 ? stream[side] : Number.POSITIVE_INFINITY

const streamOf = (stream: NodeJS.WriteStream): TextStream => ({
  write: (text) => void stream.write(text),
  get isTty() {
    return stream.isTTY === true
  },
  get columns() {
    return cellsOf(stream, 'columns')
  },
  get rows() {
    return cellsOf(stream, 'rows')
  },
})

const isSet = (value: string | undefined): boolean => value !== undefined && value !== ''

export const wantsColor = (env: Readonly<Record<string, string | undefined>>, isTty: boolean): boolean => {
  if (isSet(env['NO_COLOR'])) return false
  if (isSet(env['FORCE_COLOR'])) return env['FORCE_COLOR'] !== '0'
  return isTty && env['TERM'] !== 'dumb'
}

/** The terminal of a process. */
export const systemTerminal = (program: NodeJS.Process): Terminal => ({
  stdout: streamOf(program.stdout),
  stderr: streamOf(program.stderr),
  hasColor: wantsColor(program.env, program.stdout.isTTY === true),
  elapsed: () => performance.now(),
})
