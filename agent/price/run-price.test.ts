import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../stage/temporary-directory.ts'
import { policyFileSchema } from './policy-file.ts'
import { parsePolicy } from './read-policy.ts'
import { runPrice } from './run-price.ts'

const order = `
apiVersion: muster/v1
tasks: { count: 4 }
program: model.onnx
resources: { cpu: 2, memory: 4GiB }
maxPrice: 1 USD per hour
`
const now = Date.parse('2026-11-20T21:15:00Z')

const run = async (...args: readonly string[]) => {
  let out = ''
  let err = ''
  const status = await runPrice(args, {
    writeOut: (text) => (out += text),
    writeError: (text) => (err += text),
    now: () => now,
  })
  return { status, out, err }
}

const files = async (policy?: string) => {
  const directory = await temporaryDirectory()
  const at = (name: string) => path.join(directory, name)
  await writeFile(at('order.yaml'), order)
  const { out } = await run('--example')
  await writeFile(at('prices.yaml'), policy ?? out)
  return [at('order.yaml'), '--policy', at('prices.yaml')] as const
}

describe('muster agent price', () => {
  test('prints the price and every step that led to it', async () => {
    const args = await files()
    const { status, out } = await run(...args, '--utilisation', '50%')
    expect(status).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "$0.021 per hour and slot, for 4 slots of graph
        at 2026-11-20T21:15:00.000Z (fri 22:15 Europe/Berlin)

        STEP         WHAT                          FACTOR  DOLLARS
                     2 cores at $0.01                        $0.02
                     4 GiB of memory at $0.002              $0.008
                     $0.002 of the runtime                  $0.002
        base         one hour of a slot                      $0.03
        utilisation  50 % of slots leased             × 1    $0.03
        time         22:00 to 06:00 Europe/Berlin   × 0.7   $0.021
        lease        on-demand                        × 1   $0.021
        mark-up      another market                   × 1   $0.021
        minimum      $0.005 at least                        $0.021
        rounding     up to a nano-dollar                    $0.021
      "
    `)
  })

  test('is the same as JSON, in nano-dollars', async () => {
    const args = await files()
    const { status, out } = await run(...args, '--json', '--at', '2026-11-20T12:00:00+01:00', '--utilisation', '0.25')
    expect(status).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      price: { nanoUsd: '28500000', per: 'hour' },
      refusal: null,
      at: '2026-11-20T11:00:00.000Z',
      utilisation: 0.25,
      order: { runtime: 'graph', unit: 'hour', slots: 4 },
      steps: [
        { step: 'base', nanoUsd: '30000000', parts: [{}, {}, {}] },
        { step: 'utilisation', factor: '0.95' },
        { step: 'time', factor: '1' },
        { step: 'lease', what: 'on-demand', factor: '1' },
        { step: 'mark-up', factor: '1' },
        { step: 'minimum' },
        { step: 'rounding', nanoUsd: '28500000' },
      ],
    })
  })

  test('names the market, the tenant and the GPU it is asked for', async () => {
    const args = await files()
    const market = '0x00000000000000000000000000000000000000A1'
    const marked = JSON.parse((await run(...args, '--json', '--market', market)).out) as unknown
    expect(marked).toMatchObject({ market: market.toLowerCase(), steps: { 4: { step: 'mark-up', factor: '1.05' } } })
    const withGpu = (await readFile(args[0], 'utf8')).replace('4GiB', '4GiB, gpu: 2').replace('1 USD', '9 USD')
    await writeFile(args[0], withGpu)
    expect((await run(...args, '--gpu', 'NVIDIA H100 PCIe')).out).toContain('2 NVIDIA H100 PCIe at $2.10')
    const denied = await run(...args, '--tenant', 'tnt_00000000000000000000000000')
    expect(denied).toMatchObject({ status: 4, out: expect.stringContaining('tenant_denied') })
  })

  test('gives 4 and the steps up to there where the order pays less', async () => {
    const args = await files('apiVersion: muster/v1\nkind: prices\nruntimes: { graph: { hour: 2 } }\n')
    const { status, out } = await run(...args)
    expect(status).toBe(4)
    expect(out).toContain('expected at most $1.00, found $2.00 (above_max_price)')
    expect(out).toContain('rounding')
    expect(JSON.parse((await run(...args, '--json')).out)).toMatchObject({
      price: null,
      refusal: { reason: 'above_max_price' },
    })
  })

  test('without a price file asks what an agent without one does', async () => {
    const [file] = await files()
    expect(await run(file)).toMatchObject({ status: 4, out: expect.stringContaining('found graph per hour') })
  })

  test.each([
    [['--at', 'noon'], '--at'],
    [['--at', '2026-11-20T12:00'], '--at'],
    [['--utilisation', '1.5'], '--utilisation'],
    [['--market', 'mine'], '--market'],
    [['--tenant', 'bob'], '--tenant'],
    [['--speed'], '--speed'],
    [['--policy', '/nowhere/prices.yaml'], '/nowhere/prices.yaml'],
  ])('%j is a wrong option', async (more, named) => {
    const [file] = await files()
    expect(await run(file, ...more)).toMatchObject({ status: 2, out: '', err: expect.stringContaining(named) })
    const { status, out } = await run(file, ...more, '--json')
    expect(status).toBe(2)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'request_invalid' } })
  })

  test('says every mistake of a price file with its place', async () => {
    const args = await files('apiVersion: muster/v1\nkind: prices\ncolour: red\nruntimes: { noop: { task: x } }\n')
    const { status, err } = await run(...args)
    expect(status).toBe(2)
    expect(err).toContain('runtimes.noop.task')
    expect(err).toContain('colour')
  })

  test('without an order says how it is used', async () => {
    expect(await run()).toMatchObject({ status: 2, out: '', err: expect.stringContaining('--policy FILE') })
    expect(await run('--help')).toMatchObject({ status: 0, err: '', out: expect.stringContaining('Exit status') })
  })

  test('its example shows everything there is to say', async () => {
    const { out } = await run('--example')
    expect(parsePolicy('example', out).times.length).toBeGreaterThan(0)
    for (const name of Object.keys(policyFileSchema.shape)) expect(out).toContain(`\n${name}:`)
  })
})
