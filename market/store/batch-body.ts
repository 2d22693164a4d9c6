import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { decodeCanonical, encodeCanonical, type Claim, type Receipt, type SignedGroup } from '@muster/protocol'

/** The signed records of a batch. */
interface BatchRecords {
  readonly receipts: SignedGroup<Receipt>
  readonly claims: SignedGroup<Claim>
}

/**
 * From this many bytes on a body is compressed: to write it as it is would cost more processor time, here and in the
 * database. Receipts of one batch have most of their bytes in common, and shrink to a sixth.
 */
const compressedFrom = 8 * 1024
const quickly = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** What a Zstandard frame begins with (RFC 8878), and no CBOR map. */
const frameStart = 0x28

/** The bytes that a store keeps: canonical CBOR, as a Zstandard frame where it is long. */
export const encodeBody = ({ receipts, claims }: BatchRecords): Uint8Array => {
  const bytes = encodeCanonical({ receipts, claims })
  return bytes.length < compressedFrom ? bytes : zstdCompressSync(bytes, quickly)
}

const restoreAmounts = (receipt: Receipt): Receipt => ({
  ...receipt,
  price: { ...receipt.price, nanoUsd: BigInt(receipt.price.nanoUsd) },
  amount: BigInt(receipt.amount),
})

/** The records again; amounts become bigints. */
export const decodeBody = (body: Uint8Array): BatchRecords => {
  const bytes = body[0] === frameStart ? zstdDecompressSync(body) : body
  const { receipts, claims } = decodeCanonical(bytes) as BatchRecords
  return { receipts: { ...receipts, records: receipts.records.map(restoreAmounts) }, claims }
}
