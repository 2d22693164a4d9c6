import { buildModelBytes, encodeTensor, publishProgram, type ValueInput } from '@muster/graph'
import { cidOf } from '@muster/protocol'
import type { Tenant } from './rehearse.ts'

const bytesNamed = (name: string): ValueInput => ({ name, dtype: 'uint8', dims: [''] })

/** These bytes as a tensor of one axis: what a program made here takes and puts out. */
export const tensorOf = (data: Uint8Array): Uint8Array => encodeTensor({ dtype: 'uint8', dims: [data.length], data })

/** Uploads a program with these inputs and outputs and gives what makes a spec of no-op tasks run it. */
export const uploadProgram = async (
  tenant: Tenant,
  outputs: readonly string[],
  inputs: readonly string[] = [],
): Promise<{ readonly runtime: 'graph'; readonly program: string }> => {
  const { id, modelBytes, manifestBytes } = publishProgram(
    buildModelBytes({
      nodes: outputs.map((name) => ({ op: 'Identity', inputs: ['w'], outputs: [name] })),
      inputs: inputs.map(bytesNamed),
      outputs: outputs.map(bytesNamed),
      weights: { w: { dtype: 'uint8', dims: [1], data: Uint8Array.of(7) } },
    }),
  )
  for (const bytes of [modelBytes, manifestBytes]) {
    const { status } = await tenant.upload(cidOf(bytes), bytes)
    if (status !== 201) throw new Error(`the program was not taken: HTTP ${status}`)
  }
  return { runtime: 'graph', program: id }
}
