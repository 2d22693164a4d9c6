import type { Cid, ProgramManifest } from '@muster/sdk'
import { formatBytes } from '../format/format-bytes.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import type { Style } from '../terminal/style.ts'
import { printable } from '../terminal/text-width.ts'

const declaration = ({ name, dtype, dims }: ProgramManifest['inputs'][number]): string =>
  `${printable(name)}: ${dtype}${dims === null ? '' : ` [${dims.map((dim) => (dim === '' ? '?' : dim)).join(', ')}]`}`

/** The labelled facts of a program. */
export const renderProgram = (id: Cid, manifest: ProgramManifest, style: Style): string =>
  renderFacts(
    [
      ['program', style.bold(id)],
      ['model', `${manifest.model} (${formatBytes(manifest.modelBytes)})`],
      ['operators', String(manifest.operators)],
      ['inputs', manifest.inputs.map(declaration).join('\n')],
      ['outputs', manifest.outputs.map(declaration).join('\n')],
      ['exec spec', manifest.execSpec],
    ],
    { style },
  )
