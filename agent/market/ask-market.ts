import { marketRoute, MusterError, nodeUrls, type RouteResponse } from '@muster/protocol'
import http from 'node:http'
import https from 'node:https'

export type MarketIdentity = RouteResponse<typeof marketRoute>

const maxAnswerBytes = 64 * 1024

const unreachable = (url: string, found: string, cause?: unknown): MusterError =>
  new MusterError({
    code: 'unavailable',
    message: `The market at ${url} does not say who it is: ${found}.`,
    facts: { url, found },
    cause,
  })

const getText = (url: URL, ca: readonly string[], timeoutMs: number): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, agent: false as const }
    const onAnswer = (answer: http.IncomingMessage): void => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        text += chunk
        if (text.length > maxAnswerBytes) answer.destroy(new Error('the answer is too long'))
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.on('error', reject)
    }
    const request =
      url.protocol === 'https:'
        ? https.get(url, ca.length === 0 ? options : { ...options, ca: [...ca] }, onAnswer)
        : http.get(url, options, onAnswer)
    request.on('timeout', () => request.destroy(new Error(`no answer in ${timeoutMs} ms`)))
    request.on('error', reject)
  })

const askNode = async (marketUrl: string, ca: readonly string[], timeoutMs: number): Promise<MarketIdentity> => {
  const base = marketUrl.endsWith('/') ? marketUrl : `${marketUrl}/`
  const url = new URL(marketRoute.path.slice(1), base)
  const { status, text } = await getText(url, ca, timeoutMs).catch((cause: unknown) => {
    throw unreachable(marketUrl, cause instanceof Error ? cause.message : String(cause), cause)
  })
  if (status !== marketRoute.status) throw unreachable(marketUrl, `it answers ${status}`)
  try {
    return marketRoute.response.json.parse(JSON.parse(text))
  } catch (cause) {
    throw unreachable(marketUrl, 'its answer cannot be read', cause)
  }
}

/** Asks a market for its address and network, one of its nodes after the other. Throws `unavailable`. */
export const askMarket = async (
  marketUrl: string,
  ca: readonly string[],
  timeoutMs: number,
): Promise<MarketIdentity> => {
  let refusal: unknown
  for (const url of nodeUrls(marketUrl)) {
    try {
      return await askNode(url, ca, timeoutMs)
    } catch (error) {
      refusal = error
    }
  }
  throw refusal
}
