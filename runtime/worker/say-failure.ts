import type { FailureKind } from './message.ts'

const memoryPattern =
  /bad_alloc|out of memory|Array buffer allocation failed|could not allocate|Failed to allocate memory/i
const sourcePattern = /(?:\/[\w.+-]+)+\/onnxruntime\/(?=core\/)/g
const statusPattern = /ERROR_CODE: (\d+)/
const saidAfter = 'ERROR_MESSAGE: '
const invalidArgument = '2'
const maxLength = 1000

/** What an error of the engine means, and its text without the paths of the machine that built it. */
export const sayFailure = (error: unknown, during: 'load' | 'run'): { kind: FailureKind; detail: string } => {
  const text = error instanceof Error ? error.message : String(error)
  const said = text.includes(saidAfter) ? text.slice(text.indexOf(saidAfter) + saidAfter.length) : text
  const detail = said.replaceAll(sourcePattern, '').replaceAll(/\s+/g, ' ').trim().slice(0, maxLength)
  if (memoryPattern.test(text)) return { kind: 'memory', detail }
  const status = statusPattern.exec(text)?.[1]
  if (error instanceof WebAssembly.RuntimeError) return { kind: 'broken', detail }
  if (status === undefined && during === 'run') return { kind: 'broken', detail }
  if (during === 'load') return { kind: status === undefined ? 'broken' : 'refused', detail }
  const isAboutInputs = status === invalidArgument && !text.includes('while running')
  return { kind: isAboutInputs ? 'input' : 'failed', detail }
}
