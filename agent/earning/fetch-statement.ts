import {
  fromProblem,
  MusterError,
  nodeUrls,
  problemSchema,
  signRecord,
  statementChallengeRoute,
  statementRoute,
  toJson,
  type Address,
  type Route,
  type Signer,
  type Statement,
} from '@muster/protocol'
import http from 'node:http'
import https from 'node:https'

const maxAnswerBytes = 256 * 2 ** 20
const timeoutMs = 60_000

export interface MarketOnTheWeb {
  readonly url: string
  /** The address it is held to. */
  readonly address: Address
  readonly ca: readonly string[]
}

const unreachable = (url: string, found: string, cause?: unknown): MusterError =>
  new MusterError({
    code: 'unavailable',
    message: `The market at ${url} does not answer: ${found}.`,
    facts: { url, found },
    cause,
  })

const send = (url: URL, body: string, ca: readonly string[]): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      agent: false as const,
      timeout: timeoutMs,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    }
    const onAnswer = (answer: http.IncomingMessage): void => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > maxAnswerBytes) answer.destroy(new Error('the answer is too long'))
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }))
      answer.on('error', reject)
    }
    const request =
      url.protocol === 'https:'
        ? https.request(url, ca.length === 0 ? options : { ...options, ca: [...ca] }, onAnswer)
        : http.request(url, options, onAnswer)
    request.on('timeout', () => request.destroy(new Error(`no answer in ${timeoutMs} ms`)))
    request.on('error', reject)
    request.end(body)
  })

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Posts to one node of a market and gives what it answers, as it is. Throws the market's problem, or `unavailable`. */
const post = async (node: string, { path, status: expected }: Route, body: unknown, ca: readonly string[]) => {
  const url = new URL(path.slice(1), node.endsWith('/') ? node : `${node}/`)
  const { status, text } = await send(url, toJson(body), ca).catch((cause: unknown) => {
    throw unreachable(node, cause instanceof Error ? cause.message : String(cause), cause)
  })
  const value = parse(text)
  if (status === expected) return value
  const problem = problemSchema.safeParse(value)
  throw problem.success ? fromProblem(problem.data) : unreachable(node, `it answers ${status}`)
}

const fetchFrom = async (
  node: string,
  { address, ca }: MarketOnTheWeb,
  signer: Signer,
  { from, to, chainId }: { readonly from: number; readonly to: number; readonly chainId: number },
): Promise<Statement> => {
  const provider = signer.address
  const challenged = statementChallengeRoute.response.json.safeParse(
    await post(node, statementChallengeRoute, { provider }, ca),
  )
  if (!challenged.success) throw unreachable(node, 'its answer cannot be read', challenged.error)
  const { challenge, market } = challenged.data
  if (market !== address || challenged.data.chainId !== chainId) {
    throw new MusterError({
      code: 'signature_invalid',
      message: `What answers at ${node} is another market than the one you sell to; nothing was signed for it.`,
      facts: { expected: address, found: market },
      fault: 'market',
    })
  }
  const record = { kind: 'statement', market, provider, challenge, from, to } as const
  const request = signRecord(signer, { chainId, market }, record)
  const stated = statementRoute.response.json.safeParse(await post(node, statementRoute, { request }, ca))
  if (!stated.success) throw unreachable(node, 'its statement cannot be read', stated.error)
  return stated.data
}

/** What a provider earned at one market, asked for with its key. Throws `unavailable`, `signature_invalid`, and the market's problems. */
export const fetchStatement = async (
  market: MarketOnTheWeb,
  signer: Signer,
  period: { readonly from: number; readonly to: number; readonly chainId: number },
): Promise<Statement> => {
  let refusal: unknown
  for (const node of nodeUrls(market.url)) {
    try {
      return await fetchFrom(node, market, signer, period)
    } catch (error) {
      refusal = error
      if (!(error instanceof MusterError && error.code === 'unavailable')) throw error
    }
  }
  throw refusal
}
