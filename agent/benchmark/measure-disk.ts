import { open, unlink } from 'node:fs/promises'
import path from 'node:path'
import { MusterError, randomBlob, type MachineFindings, type World } from '@muster/protocol'

const stepBytes = 4 * 2 ** 20
const steps = 8

const requireWanted = (signal: AbortSignal): void => {
  if (signal.aborted) throw new MusterError({ code: 'cancelled', message: 'The measurement was cancelled.' })
}

/** Writes a file in the directory and flushes it to the disk, reads it again and removes it. What is read may come from memory. */
export const measureDisk = async (
  directory: string,
  world: World,
  signal: AbortSignal,
): Promise<MachineFindings['disk']> => {
  const name = path.join(directory, 'benchmark.tmp')
  const chunk = randomBlob(world, stepBytes)
  const file = await open(name, 'w+')
  try {
    const startedAt = world.elapsed()
    for (let step = 0; step < steps; step++) {
      requireWanted(signal)
      await file.write(chunk, 0, stepBytes, step * stepBytes)
    }
    await file.sync()
    const writtenAt = world.elapsed()
    for (let step = 0; step < steps; step++) {
      requireWanted(signal)
      await file.read(chunk, 0, stepBytes, step * stepBytes)
    }
    const us = (ms: number): number => Math.round(ms * 1000)
    return {
      bytes: stepBytes * steps,
      writeUs: us(writtenAt - startedAt),
      readUs: us(world.elapsed() - writtenAt),
    }
  } finally {
    await file.close()
    await unlink(name)
  }
}
