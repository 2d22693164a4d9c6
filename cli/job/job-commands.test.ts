import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buildModelBytes } from '@muster/graph'
import { decodeTensor, encodeTensor, type JobView, type TimelineEvent } from '@muster/sdk'
import { fakeApiKey, startFakeMarket, type FakeMarket, type FakeMarketOptions } from '@muster/sdk/fake'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'
import { readNpy } from '../tensor/npy.ts'

let market: FakeMarket
let shell: TestShell
const open = async (options: FakeMarketOptions = {}) => {
  await market?.close()
  await shell?.close()
  market = await startFakeMarket(options)
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
}
beforeEach(() => open())
afterEach(async () => {
  await market.close()
  await shell.close()
})

const noopJob = `
apiVersion: muster/v1
tasks: { count: 3 }
maxPrice: 0.000001 USD per task
`
const write = (name: string, content: string | Uint8Array) => writeFile(path.join(shell.directory, name), content)

const squareModel = buildModelBytes({
  inputs: [{ name: 'x', dtype: 'float32', dims: [2] }],
  outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
  nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
})

describe('job', () => {
  const submit = async (job = noopJob): Promise<JobView> => {
    await write('job.yaml', job)
    return (await shell.run(['job', 'submit', 'job.yaml', '--json'])).json() as JobView
  }

  test('submit prints the id and what to do next', async () => {
    await write('job.yaml', noopJob)
    const { status, out, err } = await shell.run(['job', 'submit', 'job.yaml'])
    expect({ status, err }).toEqual({ status: 0, err: '' })
    expect(out).toMatch(/^✓ Submitted job_\w{26}: 3 tasks, at most \$0\.000003\.\n {2}muster job watch job_/)
  })

  test('submit --watch ends with 0 when the job succeeds, and draws nothing where nobody watches', async () => {
    await write('job.yaml', noopJob)
    const { status, out, err } = await shell.run(['job', 'submit', 'job.yaml', '--watch'])
    expect(status).toBe(0)
    expect(out).toContain('succeeded')
    expect(`${out}${err}`).not.toContain('\u001b')
  })

  test('submit --watch ends with 1 when the job fails', async () => {
    await open({ failing: new Set([1]) })
    await write('job.yaml', noopJob)
    const ran = await shell.run(['job', 'submit', 'job.yaml', '--watch', '--json'])
    expect(ran.status).toBe(1)
    expect(ran.json()).toMatchObject({ outcome: 'failed', counts: { abandoned: 1, final: 2 } })
  })

  test('draws progress on a terminal and gives the cursor back', async () => {
    await write('job.yaml', noopJob)
    const { err } = await shell.run(['job', 'submit', 'job.yaml', '--watch'], { isTty: true })
    expect(err).toContain('3/3')
    expect(err.lastIndexOf('\u001b[?25h')).toBeGreaterThan(err.lastIndexOf('\u001b[?25l'))
  })

  test('submit runs a model on files, and fetch brings the outputs back', async () => {
    await open({
      run: () => new Map([['y', encodeTensor({ dtype: 'float32', dims: [2], data: Float32Array.of(9, 16) })]]),
    })
    await write('square.onnx', squareModel)
    await mkdir(path.join(shell.directory, 'in'))
    for (const name of ['10', '9']) {
      const tensor = { dtype: 'float32', dims: [2], data: Float32Array.of(Number(name), 1) } as const
      await write(`in/${name}.tensor`, encodeTensor(tensor))
    }
    const job = `
apiVersion: muster/v1
program: square.onnx
tasks: { forEach: { x: 'in/*.tensor' } }
maxPrice: 0.000001 USD per operator
`
    await write('squares.yaml', job)
    const ran = await shell.run(['job', 'submit', 'squares.yaml', '--fetch', 'out', '--json'])
    expect(ran.status).toBe(0)
    const view = ran.json() as JobView
    expect(view).toMatchObject({ name: 'squares', outcome: 'succeeded', ceiling: '2000' })
    const inputs = market.network
      .require(view.id)
      .job.spec.tasks.flatMap(({ inputs: list }) => list.flatMap(({ cid }) => market.network.blobs.get(cid) ?? []))
    expect(inputs.map((bytes) => decodeTensor(bytes).data[0])).toEqual([9, 10])
    expect(decodeTensor(new Uint8Array(await readFile(path.join(shell.directory, 'out/0001/y.tensor')))).data).toEqual(
      Float32Array.of(9, 16),
    )
    expect((await shell.run(['job', 'fetch', `${view.id}.0`, 'npy', '--npy'])).status).toBe(0)
    const npy = readNpy(new Uint8Array(await readFile(path.join(shell.directory, 'npy/0000/y.npy'))))
    expect(npy).toMatchObject({ dtype: 'float32', dims: [2] })
  })

  test('a name of an output never leaves the folder it is fetched to', async () => {
    await open({
      run: () =>
        new Map([
          ['../../evil', new Uint8Array(3)],
          ['..', new Uint8Array(4)],
          ['a/b', new Uint8Array(5)],
        ]),
    })
    const { id } = await submit()
    const ran = await shell.run(['job', 'fetch', `${id}.0`, 'out'])
    expect(ran.status).toBe(0)
    expect((await readdir(path.join(shell.directory, 'out/0000'))).toSorted()).toEqual([
      '%2E.%2F..%2Fevil.tensor',
      '%2E..tensor',
      'a%2Fb.tensor',
    ])
  })

  test('a wrong job file names every mistake, and nothing is submitted', async () => {
    await write('bad.yaml', 'apiVersion: v1\ntasks: []\nslots: none\nmaxPrice: cheap\n')
    const { status, err } = await shell.run(['job', 'submit', 'bad.yaml'])
    expect(status).toBe(2)
    expect(err.replace(shell.directory, '')).toMatchInlineSnapshot(`
      "✗ The job file bad.yaml is wrong: apiVersion should be muster/v1, found "v1", and 3 more.

        WHERE       EXPECTED                                                         FOUND
        apiVersion  muster/v1                                                        "v1"
        tasks       at least 1 item                                                  a list of 0
        slots       a number                                                         "none"
        maxPrice    a price such as 0.0000005 USD per operator (9 decimals at most)  "cheap"

        file   /bad.yaml
        code   spec_invalid
        fault  yours
        do     Correct what is listed and submit again; nothing was charged.
      "
    `)
    expect(market.calls).toEqual([])
  })

  test('nothing fits: exit 4 and a table of what the nearest offers lack', async () => {
    await write('big.yaml', `${noopJob}resources: { memory: 1TiB }\nplacement: { regions: [mars] }\n`)
    const { status, err } = await shell.run(['job', 'submit', 'big.yaml'])
    expect(status).toBe(4)
    expect(err.replace(/0x\w+…\w+/g, '0x…').replace(/^ +PROVIDER +/m, '  PROVIDER  ')).toMatchInlineSnapshot(`
      "✗ None of 2 offers fits. What the nearest lack:

        PROVIDER  REQUIREMENT    EXPECTED        FOUND
        0x…  memory a slot  at least 1 TiB  2 GiB
                       regions        mars            us-east
        0x…  memory a slot  at least 1 TiB  1 GiB
                       regions        mars            eu-west
                       priced by the  task            operator

        code   nothing_fits
        fault  yours
        do     Loosen what is listed, or pay more; \`muster offer list\` shows what there is. Nothing was charged.
      "
    `)
    expect((await shell.run(['job', 'explain', 'big.yaml'])).status).toBe(4)
    const json = await shell.run(['job', 'submit', 'big.yaml', '--json'])
    expect(json.json()).toMatchObject({
      error: { code: 'nothing_fits', facts: { nearest: [{ failed: [{}, {}] }, {}] } },
    })
  })

  test('too little money: exit 5', async () => {
    await write('dear.yaml', `${noopJob}ceiling: 5000 USD\n`)
    const { status, err } = await shell.run(['job', 'submit', 'dear.yaml'])
    expect(status).toBe(5)
    expect(err).toMatch(/expected +\$5000\.00 \(5000000000000 nano-dollars\)\n/)
  })

  test('--dry-run sends nothing', async () => {
    await write('job.yaml', noopJob)
    const ran = await shell.run(['job', 'submit', 'job.yaml', '--dry-run', '--json'])
    expect(ran.json()).toMatchObject({ apiVersion: 'muster/v1', ceiling: '3000' })
    expect(market.calls).toEqual([])
  })

  test('explain of a job file lists what fits and what it would cost', async () => {
    await write('job.yaml', noopJob)
    const { status, out } = await shell.run(['job', 'explain', 'job.yaml'])
    expect(status).toBe(0)
    expect(out).toContain('$0.0000018')
  })

  test('explain of one with the rule effective says what a finished task is expected to cost', async () => {
    await write('job.yaml', `${noopJob}award: effective\n`)
    const { status, out } = await shell.run(['job', 'explain', 'job.yaml'])
    expect(status).toBe(0)
    expect(out).toContain('is expected to cost least is taken first (award: effective)')
    expect(out).toMatch(/A FINISHED TASK +OF IT TRANSFER +STARTS/)
    expect(out).toMatch(/\$0\.0000012 +\$0\.00 +2\.00/)
  })

  test('explain of a job says what went wrong and whose fault it was', async () => {
    await open({ failing: new Set([1]) })
    const { id } = await submit()
    const { status, out } = await shell.run(['job', 'explain', id])
    expect(status).toBe(0)
    expect(out).toMatch(/1 {2}the program’s {2}program_crashed {2}The program crashed\./)
  })

  test('explain of a job that runs ends though the job does not', async () => {
    await open({ runsAtOnce: false })
    const { id } = await submit()
    expect((await shell.run(['job', 'explain', id])).out).toContain('3 waiting')
  })

  test('watch --json gives one event a line and nothing else', async () => {
    const { id } = await submit()
    const { status, out, err } = await shell.run(['job', 'watch', id, '--json'])
    expect({ status, err }).toEqual({ status: 0, err: '' })
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as TimelineEvent)
    expect(events.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('an interrupted watch exits with 130 and leaves the job', async () => {
    await open({ runsAtOnce: false })
    const { id } = await submit()
    const controller = new AbortController()
    const running = shell.run(['job', 'watch', id], { signal: controller.signal })
    while (!market.calls.includes('watchJob')) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    const { status, err } = await running
    expect(status).toBe(130)
    expect(err).toContain(`muster job watch ${id}`)
    expect(market.network.require(id).job.closed).toBeNull()
  })

  test('what a problem with logs says cannot steer the terminal', async () => {
    await open({ runsAtOnce: false })
    const { id } = await submit()
    market.network.run(id, 1)
    const problem = { code: 'not_found', message: 'gone\u001b[2J\u0007', facts: {}, fault: 'tenant', retry: 'never' }
    const headers = { 'content-type': 'application/problem+json' }
    market.fail('attemptLogs', { type: 'answer', status: 404, body: JSON.stringify(problem), headers })
    const { out } = await shell.run(['job', 'logs', id])
    expect(out).toBe('gone\\u001b[2J\\u0007\n')
  })

  test('list, show, logs and cancel', async () => {
    await open({ runsAtOnce: false })
    const { id } = await submit()
    market.network.run(id, 1)
    expect((await shell.run(['job', 'list'])).out).toContain(id)
    expect((await shell.run(['job', 'list', '--json'])).json()).toHaveLength(1)
    expect((await shell.run(['job', 'show', id])).out).toContain('2 waiting, 1 final')
    expect((await shell.run(['job', 'logs', id])).out).toBe(`log of ${id}.0.1\n`)
    expect((await shell.run(['job', 'logs', `${id}.0.1`, '--json'])).json()).toEqual([
      { attempt: `${id}.0.1`, lines: [`log of ${id}.0.1`] },
    ])
    expect((await shell.run(['job', 'cancel', id, '--json'])).json()).toMatchObject({ outcome: 'cancelled' })
    expect((await shell.run(['job', 'watch', id])).status).toBe(1)
  })
})
