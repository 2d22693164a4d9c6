import { parseArgs, type ParseArgsConfig } from 'node:util'

/** The flags of a script. Prints the usage and ends where they ask for it, or with status 2 where they are wrong. */
export const readFlags = <Options extends NonNullable<ParseArgsConfig['options']>>(usage: string, options: Options) => {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } as const } })
    if ('help' in values && values.help === true) {
      process.stdout.write(`${usage}\n`)
      process.exit(0)
    }
    return parseArgs({ options }).values
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`)
    process.exit(2)
  }
}
