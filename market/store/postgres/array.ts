// Arrays travel as text, written here: the client would look the type of each up, and cannot tell bytes from lists of bytes.

const escaped = /["\\]/g

/** Text array. */
export const textArray = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? 'NULL' : `"${value.replace(escaped, '\\$&')}"`)).join(',')}}`

/** Array of integers, booleans or amounts. */
export const plainArray = (values: readonly (number | bigint | boolean | null)[]): string =>
  `{${values.map((value) => (value === null ? 'NULL' : String(value))).join(',')}}`

/** Array of byte strings. */
export const bytesArray = (values: readonly Uint8Array[]): string =>
  `{${values
    .map((bytes) => `"\\\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}"`)
    .join(',')}}`
