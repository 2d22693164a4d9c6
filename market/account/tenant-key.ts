import { createHmac } from 'node:crypto'
import { createSigner, type Secp256k1, type Signer, type TenantId } from '@muster/protocol'

/** Keys the market keeps for tenants that have none of their own. */
export type KeptSigner = (tenant: TenantId) => Signer

/** Derives each kept key from the market's own secret, so that none is stored: HMAC-SHA-256(secret, "tenant key" ‖ tenant). */
export const createKeptSigner =
  (secp256k1: Secp256k1, secret: Uint8Array): KeptSigner =>
  (tenant) =>
    createSigner(secp256k1, createHmac('sha256', secret).update(`tenant key ${tenant}`).digest())
