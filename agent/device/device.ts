import type { Gpu } from '@muster/protocol'

/** What this machine has, as far as this process may use it. */
export interface Device {
  readonly cores: number
  readonly memoryBytes: number
  /** Free on the file system of the data directory. */
  readonly diskBytes: number
  readonly gpus: readonly Gpu[]
}
