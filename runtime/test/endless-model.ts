import { buildGraph, buildModelBytes } from '@muster/graph'

const intList = (name: string) => ({ name, dtype: 'int32', dims: ['n'] }) as const

const body = buildGraph('body', {
  nodes: [
    { op: 'Identity', inputs: ['on'], outputs: ['still_on'] },
    { op: 'Identity', inputs: ['v'], outputs: ['w'] },
  ],
  inputs: [{ name: 'i', dtype: 'int64', dims: [] }, { name: 'on', dtype: 'bool', dims: [] }, intList('v')],
  outputs: [{ name: 'still_on', dtype: 'bool', dims: [] }, intList('w')],
})

/** A model from `x` to `y` that never ends. No such program can be published; the pool stands up to it all the same. */
export const endlessModel = (): Uint8Array =>
  buildModelBytes({
    nodes: [{ op: 'Loop', inputs: ['', 'on', 'x'], outputs: ['y'], attributes: { body: { graph: body } } }],
    weights: { on: { dtype: 'bool', dims: [], data: Uint8Array.of(1) } },
    inputs: [intList('x')],
    outputs: [intList('y')],
  })
