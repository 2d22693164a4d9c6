import type { Socket } from 'node:net'
import {
  encodeCanonical,
  helloHeader,
  linkPath,
  linkProtocol,
  MusterError,
  routes,
  signRecord,
  type Address,
  type LinkHello,
  type RouteResponse,
  type Signer,
  type World,
} from '@muster/protocol'
import { answerOf, refusalOf, socketOf, type MarketConnection } from './connect-market.ts'
import { tlsBindingOf } from './tls-binding.ts'

type Challenge = RouteResponse<typeof routes.challenge>

const askChallenge = async (connection: MarketConnection, provider: Address): Promise<Challenge> => {
  const body = JSON.stringify({ provider })
  const { method, path } = routes.challenge
  const request = connection.request(method as 'POST', path, {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  })
  const answer = await answerOf(request, body)
  if (!('body' in answer) || answer.status !== routes.challenge.status) throw refusalOf(answer)
  try {
    return routes.challenge.response.json.parse(JSON.parse(Buffer.from(answer.body).toString()))
  } catch (cause) {
    throw new MusterError({
      code: 'unavailable',
      message: 'What answers at this URL is not a market: its challenge cannot be read.',
      cause,
    })
  }
}

const requireMarket = (challenge: Challenge, chainId: number, market: Address | undefined): void => {
  const isExpected = challenge.chainId === chainId && (market === undefined || challenge.market === market)
  if (isExpected) return
  throw new MusterError({
    code: 'signature_invalid',
    message: 'The market at this URL is not the one this agent is set up for.',
    facts: {
      market: challenge.market,
      chainId: challenge.chainId,
      expectedMarket: market ?? 'any',
      expectedChainId: chainId,
    },
  })
}

export interface SocketRequest {
  readonly kind: LinkHello['socket']
  readonly epoch: number
  readonly chainId: number
  readonly market: Address | undefined
}

export interface UpgradedSocket {
  readonly socket: Socket
  readonly market: Address
}

/**
 * Opens one socket of a link over a connection of its own: asks for a challenge, signs it for this connection, upgrades.
 * Rejects with what the market answered, or `link_closed` where it cannot be reached.
 */
export const openSocket = async (
  connection: MarketConnection,
  { kind, epoch, chainId, market }: SocketRequest,
  { world, signer }: { readonly world: World; readonly signer: Signer },
): Promise<UpgradedSocket> => {
  const challenge = await askChallenge(connection, signer.address)
  requireMarket(challenge, chainId, market)
  const request = connection.request('GET', linkPath, { connection: 'Upgrade', upgrade: linkProtocol })
  const tlsBinding = tlsBindingOf(await socketOf(request))
  const hello: LinkHello = {
    kind: 'link',
    market: challenge.market,
    provider: signer.address,
    challenge: challenge.challenge,
    socket: kind,
    epoch,
    tlsBinding,
    at: world.now(),
  }
  const signed = encodeCanonical(signRecord(signer, { chainId, market: challenge.market }, hello))
  request.setHeader(helloHeader, Buffer.from(signed).toString('base64url'))
  const answer = await answerOf(request, '')
  if (!('socket' in answer)) throw refusalOf(answer)
  // The market speaks first after its 101; bytes that came with it go back in front of the rest.
  if (answer.head.length > 0) answer.socket.unshift(answer.head)
  return { socket: answer.socket, market: challenge.market }
}
