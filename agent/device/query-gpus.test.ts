import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../stage/temporary-directory.ts'
import { parseGpus, queryGpus } from './query-gpus.ts'

const script = async (body: string): Promise<string> => {
  const file = path.join(await temporaryDirectory(), 'nvidia-smi')
  await writeFile(file, `#!/bin/sh\n${body}\n`)
  await chmod(file, 0o755)
  return file
}

const uuid = (digit: string): string =>
  `GPU-${digit.repeat(8)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(12)}`

describe('nvidia-smi', () => {
  test('gives GPUs by UUID, and is asked for what is parsed', async () => {
    const command = await script(`
      [ "$1" = "--query-gpu=uuid,name,memory.total" ] || exit 2
      [ "$2" = "--format=csv,noheader,nounits" ] || exit 3
      echo "${uuid('a')}, NVIDIA H200, 143771"
      echo "${uuid('b')}, NVIDIA GeForce RTX 4090, 24564"`)
    expect(await queryGpus(command, 5000)).toEqual([
      { uuid: uuid('a'), vendor: 'nvidia', model: 'NVIDIA H200', vramBytes: 143771 * 2 ** 20, interface: 'sxm' },
      {
        uuid: uuid('b'),
        vendor: 'nvidia',
        model: 'NVIDIA GeForce RTX 4090',
        vramBytes: 24564 * 2 ** 20,
        interface: 'pcie',
      },
    ])
  })

  test('that is not installed gives none', async () => {
    expect(await queryGpus('/nowhere/nvidia-smi', 5000)).toEqual([])
  })

  test('that fails says what it said', async () => {
    const command = await script(
      'echo "NVIDIA-SMI has failed because it could not communicate with the driver."; exit 9',
    )
    await expect(queryGpus(command, 5000)).rejects.toMatchObject({
      code: 'internal',
      fault: 'machine',
      facts: { exit: 9, said: expect.stringContaining('could not communicate') },
    })
  })

  test('that hangs is ended', async () => {
    const command = await script('exec sleep 60')
    await expect(queryGpus(command, 100)).rejects.toMatchObject({ code: 'timeout' })
  })

  test.each(['No devices were found', 'GPU-1, H200, 10', `${uuid('a')}, H200, [N/A]`, `${uuid('a')}, H200`])(
    'that says "%s" is not understood, and the line is named',
    (line) => {
      expect(() => parseGpus(`${line}\n`)).toThrow(
        expect.objectContaining({ facts: expect.objectContaining({ found: line }) }),
      )
    },
  )
})
