import {
  decodeCanonical,
  encodeCanonical,
  maxClockSkewMs,
  MusterError,
  signedLinkHelloSchema,
  type LinkHello,
  type SignatureDomain,
  type SignedLinkHello,
  type Verifier,
} from '@muster/protocol'

const maxHelloBytes = 4096

const refuse = (message: string, facts: Record<string, unknown> = {}): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts, fault: 'provider' })

/** The signed hello in an upgrade request's `Muster-Link` header. Throws `request_invalid`, `record_invalid`. */
export const decodeHello = (header: string): SignedLinkHello => {
  const bytes = Buffer.from(header, 'base64url')
  if (bytes.length === 0 || bytes.length > maxHelloBytes || bytes.toString('base64url') !== header)
    throw refuse('The Muster-Link header holds no signed hello in base64url.', { bytes: bytes.length })
  const parsed = signedLinkHelloSchema.safeParse(decodeCanonical(new Uint8Array(bytes)))
  if (!parsed.success)
    throw refuse('The Muster-Link header holds no signed hello.', { found: parsed.error.message.slice(0, 500) })
  if (!bytes.equals(encodeCanonical(parsed.data))) throw refuse('The hello in the Muster-Link header is not canonical.')
  return parsed.data
}

const describeSkew = (skewMs: number): string => {
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  return `This machine's clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the market's; set it right and the agent will link again.`
}

export interface HelloExpectation {
  readonly domain: SignatureDomain
  /** The market's clock. */
  readonly now: number
  readonly tlsBinding: LinkHello['tlsBinding']
  readonly behindTlsProxy: boolean
}

/**
 * The hello, once it is known to be signed by the provider it names for this market and this connection.
 * Throws `signature_invalid`, `clock_skewed`. Whether its challenge and epoch are good is not asked here.
 */
export const checkHello = (signed: SignedLinkHello, expected: HelloExpectation, verifier: Verifier): LinkHello => {
  const hello = signed.record
  if (hello.market !== expected.domain.market) {
    throw new MusterError({
      code: 'signature_invalid',
      message: 'This hello was signed for another market.',
      facts: { expected: expected.domain.market, found: hello.market },
    })
  }
  verifier.requireSigner(expected.domain, signed, hello.provider)
  const isBound = hello.tlsBinding === expected.tlsBinding || (expected.behindTlsProxy && expected.tlsBinding === '')
  if (!isBound) {
    throw new MusterError({
      code: 'signature_invalid',
      message: 'This hello was signed for another connection: something between agent and market ends the TLS session.',
      facts: { marketSeesTls: expected.tlsBinding !== '', agentSeesTls: hello.tlsBinding !== '' },
    })
  }
  const skewMs = hello.at - expected.now
  if (Math.abs(skewMs) > maxClockSkewMs) {
    throw new MusterError({
      code: 'clock_skewed',
      message: describeSkew(skewMs),
      facts: { skewMs, maxSkewMs: maxClockSkewMs, agentClock: hello.at, marketClock: expected.now },
    })
  }
  return hello
}
