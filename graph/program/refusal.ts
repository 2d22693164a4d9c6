/** One reason why a model is not accepted as a program. */
export interface Refusal {
  /** Where in the model: `graph.node[12]`, `graph.input[0].type`, `opsetImport`. */
  readonly path: string
  /** The node meant, where it is one. */
  readonly node?: NodeLabel
  /** One clause for a person: what is wrong and what to do. */
  readonly why: string
}

export interface NodeLabel {
  /** Place in the file, from 0. */
  readonly index: number
  readonly name: string
  readonly op: string
  readonly domain: string
}

/** A refusal as one line of text. */
export const sayRefusal = ({ path, node, why }: Refusal): string =>
  node === undefined
    ? `${path}: ${why}`
    : `node ${node.index}${node.name === '' ? '' : ` "${node.name}"`} (${node.op}): ${why}`
