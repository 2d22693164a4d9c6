// Arrays travel as text, written here: the client would look the type of each up, and cannot tell bytes from lists of bytes.

const escaped = /["\\]/g

/** Text array. */
export const textArray = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? 'NULL' : `"${value.replace(escaped, '\\$&')}"`)).join(',')}}`

/** Array of integers, booleans or amounts. */
export const plainArray = (values: readonly (number | bigint | boolean | null)[]): string =>
  `{${values.map((value) => (value === null ? 'NULL' : String(value))).join(',')}}`

/**
 * Byte strings as one, with where each begins, counted from 1, and its length: `decode` and `substring` take them apart
 * again. The client binds text only, and writes bytes in hexadecimal; this is shorter, and no array to be parsed.
 */
export const packBytes = (values: readonly Uint8Array[]) => {
  let end = 1
  const starts = values.map(({ length }) => {
    end += length
    return end - length
  })
  return {
    base64: Buffer.concat(values).toString('base64'),
    starts: plainArray(starts),
    lengths: plainArray(values.map(({ length }) => length)),
  }
}
