/** Where the bytes of one item grow. */
export interface Output {
  bytes: Uint8Array
  at: number
  /** Whether what is written is frozen. */
  readonly freezes: boolean
}

export const majorUnsigned = 0
export const majorNegative = 1
export const majorBytes = 2
export const majorText = 3
export const majorList = 4
export const majorMap = 5

/** Makes room for so many bytes more. */
export const room = (out: Output, byteCount: number): void => {
  const needed = out.at + byteCount
  if (needed <= out.bytes.length) return
  const grown = new Uint8Array(Math.max(needed, out.bytes.length * 2))
  grown.set(out.bytes.subarray(0, out.at))
  out.bytes = grown
}

const writeUint32 = (out: Output, value: number): void => {
  const { bytes } = out
  bytes[out.at++] = value >>> 24
  bytes[out.at++] = value >>> 16
  bytes[out.at++] = value >>> 8
  bytes[out.at++] = value
}

/** The shortest head for a safe integer that is not negative: of a value, or of so many bytes, items or entries. */
export const writeHead = (out: Output, major: number, value: number): void => {
  room(out, 9)
  const { bytes } = out
  const type = major << 5
  if (value < 24) bytes[out.at++] = type | value
  else if (value < 2 ** 8) {
    bytes[out.at++] = type | 24
    bytes[out.at++] = value
  } else if (value < 2 ** 16) {
    bytes[out.at++] = type | 25
    bytes[out.at++] = value >>> 8
    bytes[out.at++] = value
  } else if (value < 2 ** 32) {
    bytes[out.at++] = type | 26
    writeUint32(out, value)
  } else {
    bytes[out.at++] = type | 27
    writeUint32(out, Math.floor(value / 2 ** 32))
    writeUint32(out, value % 2 ** 32)
  }
}

/** As `writeHead`, for any integer from 0 to 2^64 - 1. */
export const writeBigHead = (out: Output, major: number, value: bigint): void => {
  if (value <= Number.MAX_SAFE_INTEGER) return writeHead(out, major, Number(value))
  room(out, 9)
  out.bytes[out.at++] = (major << 5) | 27
  writeUint32(out, Number(value >> 32n))
  writeUint32(out, Number(value & 0xffff_ffffn))
}

/** Bytes as they are, without a head. */
export const copyBytes = (out: Output, bytes: Uint8Array): void => {
  room(out, bytes.length)
  out.bytes.set(bytes, out.at)
  out.at += bytes.length
}

/** Bytes behind their head. */
export const writeBytes = (out: Output, major: number, bytes: Uint8Array): void => {
  writeHead(out, major, bytes.length)
  copyBytes(out, bytes)
}
