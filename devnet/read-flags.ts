import { sayWrongCall } from '@muster/protocol'
import { parseArgs, type ParseArgsConfig } from 'node:util'

const help = { help: { type: 'boolean', short: 'h' } } as const

/**
 * The flags of a script, as `compile` makes them of what was written. Prints the usage and ends where they ask for it, or with
 * status 2 where they are wrong.
 */
export const readFlags = <Options extends NonNullable<ParseArgsConfig['options']>, Flags>(
  usage: string,
  options: Options,
  compile: (values: ReturnType<typeof parseArgs<{ readonly options: Options }>>['values']) => Flags,
): Flags => {
  try {
    const { values } = parseArgs({ options: { ...options, ...help } })
    if ('help' in values && values.help === true) {
      process.stdout.write(`${usage}\n`)
      process.exit(0)
    }
    return compile(parseArgs({ options }).values)
  } catch (error) {
    const [called = ''] = usage.split(' [')
    const program = called.startsWith('npm ') ? `${called} --` : called
    const flags = [...Object.keys(options), 'help']
    process.stderr.write(`${sayWrongCall(error, { program, flags })}\n${usage}\n`)
    process.exit(2)
  }
}
