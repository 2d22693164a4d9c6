import { execFile } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { expect, test } from 'vitest'

const main = path.join(import.meta.dirname, 'main.ts')

interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { env: { ...process.env, MUSTER_HOME: '/nonexistent', FORCE_COLOR: '', ...env } }
    execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })

test('says its version', async () => {
  expect(await run(['--version'])).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' })
})

test('passes arguments and exit status of a program through', async () => {
  const help = await run(['market', '--help'])
  expect(help.status).toBe(0)
  expect(help.stdout).toContain('--data-directory')
  expect((await run(['market', '--no-such-flag'])).status).toBe(2)
})

test('exits with 3 where no market answers, and waits for its own retries to end', async () => {
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as AddressInfo
  await new Promise((resolve) => closed.close(resolve))
  const { status, stdout, stderr } = await run(['offer', 'list', '--market', `http://127.0.0.1:${port}`])
  expect({ status, stdout }).toEqual({ status: 3, stdout: '' })
  expect(stderr).toContain('nothing listens there')
  expect(stderr).not.toContain('\u001b')
})
