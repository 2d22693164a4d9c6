/** One reason why a model is not accepted as a program. */
export interface Refusal {
  /** Where in the model: `graph.node[12]`, `graph.input[0].type`, `opsetImport`. */
  readonly path: string
  /** The node meant, where it is one. */
  readonly node?: NodeLabel
  /** One clause for a person: what is wrong and what to do. */
  readonly why: string
}

/** What a node is called; long names are cut (`sayName`). */
export interface NodeLabel {
  /** Place in the file, from 0. */
  readonly index: number
  readonly name: string
  readonly op: string
  readonly domain: string
}

const maxNameLength = 256

/** A name out of a model as refusals repeat it, cut where it is long: one node or attribute may be refused for many reasons. */
export const sayName = (name: string): string =>
  name.length <= maxNameLength ? name : `${name.slice(0, maxNameLength).toWellFormed()}…`

/** A refusal as one line of text. */
export const sayRefusal = ({ path, node, why }: Refusal): string =>
  node === undefined
    ? `${path}: ${why}`
    : `node ${node.index}${node.name === '' ? '' : ` "${node.name}"`} (${node.op}): ${why}`
