import { cidOf } from '@muster/protocol'
import { expect, test } from 'vitest'
import { noopSpec, rehearse } from '../rehearsal/rehearse.ts'
import { tensorOf, uploadProgram } from '../rehearsal/upload-program.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

test('blobs no job refers to are collected when they are old, the others stay', async () => {
  const stage = await rehearse({ market: { keepBlobsMs: 3_600_000 } })
  const output = tensorOf(bytesOf('an output'))
  await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, script: { run: () => ({ outputs: { y: output } }) } })
  const tenant = await stage.tenant()
  const [used, unused] = [tensorOf(bytesOf('an input')), bytesOf('never used')]
  for (const bytes of [used, unused]) await tenant.upload(cidOf(bytes), bytes)
  const program = await uploadProgram(tenant, ['y'], ['x'])
  const { id } = await tenant.submit(
    noopSpec(1, { ...program, tasks: [{ inputs: [{ name: 'x', cid: cidOf(used) }] }] }),
  )
  await stage.closed(tenant, id)
  await stage.world.advance(3_000_000)
  expect(await stage.blobs.size(cidOf(unused))).toBe(unused.length)
  await stage.world.advance(2_000_000)
  expect(await stage.blobs.size(cidOf(unused))).toBeUndefined()
  const asked = await tenant.request('POST', '/v1/blobs/missing', { cids: [used, unused, output].map(cidOf) })
  expect(await asked.json()).toEqual({ missing: [cidOf(unused)] })
  expect(await stage.blobs.size(cidOf(used))).toBe(used.length)
  expect(await stage.blobs.size(cidOf(output))).toBe(output.length)
})

test('a blob that is put again while it is collected stays', async () => {
  let onRemoved = async (): Promise<void> => {}
  const stage = await rehearse({
    market: { keepBlobsMs: 3_600_000 },
    wrapBlobs: (blobs) => ({
      ...blobs,
      remove: async (cid, olderThan) => {
        await onRemoved()
        return blobs.remove(cid, olderThan)
      },
    }),
  })
  const tenant = await stage.tenant()
  const bytes = bytesOf('put twice')
  await tenant.upload(cidOf(bytes), bytes)
  onRemoved = async () => {
    expect((await tenant.upload(cidOf(bytes), bytes)).status).toBe(201)
  }
  await stage.world.advance(4_300_000)
  expect(await stage.blobs.size(cidOf(bytes))).toBe(bytes.length)
  const asked = await tenant.request('POST', '/v1/blobs/missing', { cids: [cidOf(bytes)] })
  expect(await asked.json()).toEqual({ missing: [] })
})
