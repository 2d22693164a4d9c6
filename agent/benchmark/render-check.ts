import type { MachineCheck } from './check-machine.ts'

const label = (text: string): string => text.padEnd(16)

const rate = (value: number, unit: string): string =>
  `${value >= 100 ? Math.round(value) : value.toPrecision(3)} ${unit}`

const gigabytes = (mb: number): string => rate(mb / 1000, 'GB/s')

const sayVector = ({ operators, mismatches }: MachineCheck): string => {
  if (mismatches.length === 0) return `all ${operators.length} outputs are the pinned ones, bit by bit`
  return `${mismatches.length} of ${operators.length} outputs are not the pinned ones: ${mismatches.join(', ')}`
}

/** The check as a table for a person. */
export const renderCheck = (check: MachineCheck): string => {
  const rows: (readonly [string, string])[] = [
    ['reproduces', sayVector(check)],
    [
      'computes',
      check.isRight
        ? `${rate(check.gflops, 'GFLOP/s')} a slot (${rate(check.runGflops, 'GFLOP/s')} without preparing)`
        : 'wrong: the matrices did not come out right',
    ],
    ['memory', `${gigabytes(check.memoryMBps)} copied`],
    ['disk', `${rate(check.diskWriteMBps, 'MB/s')} written and flushed, ${rate(check.diskReadMBps, 'MB/s')} read`],
    ['network', 'measured by each market when the agent is linked to it'],
    ...(check.gpus.length === 0
      ? [['GPUs', 'none that nvidia-smi tells of'] as const]
      : check.gpus.map(
          ({ model, vramBytes, driver, coreMhz, memoryMhz }) =>
            [
              'GPU',
              `${model}, ${Math.round(vramBytes / 2 ** 30)} GiB, driver ${driver}, up to ${coreMhz} MHz, its memory ${memoryMhz} MHz`,
            ] as const,
        )),
  ]
  const table = rows.map(([name, text]) => `${label(name)}${text}\n`).join('')
  if (check.mismatches.length === 0 && check.isRight) return table
  return `${table}\nThis machine does not compute what others do. It can sell, but gets no graph work that is to be verified.\n`
}
