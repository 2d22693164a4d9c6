type Utf8Slice = (this: Uint8Array, start: number, end: number) => string

interface Platform {
  readonly Buffer?: { readonly prototype: { readonly utf8Slice?: Utf8Slice } }
}

const utf8Slice = (globalThis as Platform).Buffer?.prototype.utf8Slice
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What the platform's slice has in place of bytes that are no UTF-8. */
const replacement = '\uFFFD'

/** Up to so many bytes a loop over them costs less than a call of the platform. */
const shortText = 7

const readAscii = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  let ascii = ''
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0
    if (byte > 0x7f) return undefined
    ascii += String.fromCharCode(byte)
  }
  return ascii
}

const readLong = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  const text = utf8Slice?.call(bytes, start, end)
  return text?.includes(replacement) === true ? undefined : text
}

/** The text that these bytes are in UTF-8, by a quick way where there is one. Throws `TypeError` where they are none. */
export const readText = (bytes: Uint8Array, start: number, end: number): string => {
  const quick = end - start <= shortText ? readAscii(bytes, start, end) : readLong(bytes, start, end)
  return quick ?? utf8.decode(bytes.subarray(start, end))
}
