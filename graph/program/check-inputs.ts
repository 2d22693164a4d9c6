import { MusterError } from '@muster/protocol'
import { parseTensorHead, type Malformation } from '../tensor/tensor-layout.ts'
import type { TensorHeader } from '../tensor/tensor.ts'
import type { ValueDeclaration } from './declaration.ts'

export interface InputProblem {
  /** `inputs.x`, `inputs.x.dtype` or `inputs.x.dims[2]`. */
  readonly path: string
  readonly expected: string
  readonly found: string
}

const headOf = (tensor: Uint8Array | TensorHeader): TensorHeader | Malformation =>
  tensor instanceof Uint8Array ? parseTensorHead(tensor) : tensor

/**
 * Compares tensors (blobs, or their headers) with what a program declares: names, element types, ranks, extents, and
 * that a symbol has one value wherever it stands. Gives all problems at once; none means they fit.
 */
export const checkInputs = (
  program: { readonly inputs: readonly ValueDeclaration[] },
  tensors: ReadonlyMap<string, Uint8Array | TensorHeader>,
): InputProblem[] => {
  const problems: InputProblem[] = []
  const symbols = new Map<string, { readonly size: number; readonly path: string }>()
  for (const declared of program.inputs) {
    const path = `inputs.${declared.name}`
    const tensor = tensors.get(declared.name)
    if (tensor === undefined) {
      problems.push({ path, expected: `a tensor of ${say(declared)}`, found: 'nothing' })
      continue
    }
    const header = headOf(tensor)
    if ('expected' in header) {
      problems.push({ ...header, path: `${path}.${header.path}` })
      continue
    }
    if (header.dtype !== declared.dtype) {
      problems.push({ path: `${path}.dtype`, expected: declared.dtype, found: header.dtype })
    }
    if (declared.dims === null) continue
    if (header.dims.length !== declared.dims.length) {
      problems.push({
        path: `${path}.dims`,
        expected: `[${declared.dims.join(', ')}]`,
        found: `[${header.dims.join(', ')}]`,
      })
      continue
    }
    for (const [axis, dim] of declared.dims.entries()) {
      const size = header.dims[axis] ?? 0
      const at = `${path}.dims[${axis}]`
      if (typeof dim === 'number') {
        if (dim !== size) problems.push({ path: at, expected: String(dim), found: String(size) })
        continue
      }
      if (dim === '') continue
      const bound = symbols.get(dim)
      if (bound === undefined) symbols.set(dim, { size, path: at })
      else if (bound.size !== size) {
        problems.push({ path: at, expected: `${bound.size} ("${dim}", as in ${bound.path})`, found: String(size) })
      }
    }
  }
  const declaredNames = new Set(program.inputs.map(({ name }) => name))
  const expected = `one of ${[...declaredNames].join(', ')}`
  for (const name of tensors.keys()) {
    if (declaredNames.has(name)) continue
    problems.push({ path: `inputs.${name}`, expected, found: name })
  }
  return problems
}

const say = ({ dtype, dims }: ValueDeclaration): string =>
  dims === null ? dtype : `${dtype} [${dims.map((dim) => (dim === '' ? '?' : dim)).join(', ')}]`

/** `checkInputs`, throwing `tensor_invalid` with all problems in `facts.problems`. */
export const requireInputs = (
  program: { readonly inputs: readonly ValueDeclaration[] },
  tensors: ReadonlyMap<string, Uint8Array | TensorHeader>,
): void => {
  const problems = checkInputs(program, tensors)
  const [first] = problems
  if (first === undefined) return
  throw new MusterError({
    code: 'tensor_invalid',
    message: `The inputs do not fit the program: ${first.path} should be ${first.expected}, found ${first.found}${
      problems.length > 1 ? `, and ${problems.length - 1} more` : ''
    }.`,
    facts: { problems },
  })
}
