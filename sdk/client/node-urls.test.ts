import { createServer, type Server } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { createMuster } from './create-muster.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => void server.close(resolve))
})

const serve = async (
  status: number,
): Promise<{ readonly url: string; readonly calls: () => number; close(): Promise<void> }> => {
  let calls = 0
  const server = createServer((_, response) => {
    calls++
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
    response.end(status === 200 ? '{"offers":[]}' : '{}')
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => calls,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}

test('a client goes on to the next node of its market where one is gone or not well, and stays there', async () => {
  const [gone, ill, well] = [await serve(200), await serve(503), await serve(200)]
  await gone.close()
  const muster = createMuster({ url: `${gone.url}+${ill.url}+${well.url}`, retry: { firstDelayMs: 1 } })
  await muster.listOffers()
  await muster.listOffers()
  expect([ill.calls(), well.calls()]).toEqual([1, 2])
})
