import { createCipheriv, createDecipheriv } from 'node:crypto'

const cipher = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16

/** AES-256-GCM under a key of 32 bytes, bound to what it is of: iv (12 bytes, never used twice), tag (16), text. */
export const seal = (key: Uint8Array, plain: Uint8Array, of: string, iv: Uint8Array): Uint8Array => {
  const sealing = createCipheriv(cipher, key, iv).setAAD(Buffer.from(of))
  const text = Buffer.concat([sealing.update(plain), sealing.final()])
  return Buffer.concat([iv, sealing.getAuthTag(), text])
}

/** `undefined` for what was sealed under another key, for something else, or altered. */
export const unseal = (key: Uint8Array, sealed: Uint8Array, of: string): Uint8Array | undefined => {
  try {
    const opening = createDecipheriv(cipher, key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes })
      .setAAD(Buffer.from(of))
      .setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes))
    return Buffer.concat([opening.update(sealed.subarray(ivBytes + tagBytes)), opening.final()])
  } catch {
    return undefined
  }
}
