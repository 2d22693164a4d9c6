import { majorText, room, writeBytes, writeHead, type Output } from './output.ts'

type Utf8Write = (this: Uint8Array, text: string, offset: number, length: number) => number

interface Platform {
  readonly Buffer?: { readonly prototype: { readonly utf8Write?: Utf8Write } }
}

const utf8Write = (globalThis as Platform).Buffer?.prototype.utf8Write
const utf8 = new TextEncoder()

/** From this length on a call of the platform costs less than a loop over the characters. */
const longText = 24
/** From this length on making room for the most that a text may take costs more than a copy of what it takes. */
const hugeText = 65_536
/** The most bytes that UTF-8 takes for a character of a string. */
const bytesEach = 3

/** Writes a text of ASCII where there is room for it. Says `false` of any other: what it left there is to be written over. */
const writeAscii = (out: Output, text: string): boolean => {
  const { bytes } = out
  let { at } = out
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return false
    bytes[at++] = code
  }
  out.at = at
  return true
}

/** As `writeAscii`, by the platform. Only ASCII takes one byte for each character. */
const writeLongAscii = (out: Output, text: string, write: Utf8Write): boolean => {
  room(out, text.length * bytesEach)
  if (write.call(out.bytes, text, out.at, text.length * bytesEach) !== text.length) return false
  out.at += text.length
  return true
}

const writePlainText = (out: Output, text: string): boolean => {
  if (text.length >= hugeText) return false
  writeHead(out, majorText, text.length)
  if (text.length >= longText && utf8Write !== undefined) return writeLongAscii(out, text, utf8Write)
  room(out, text.length)
  return writeAscii(out, text)
}

/** A text in UTF-8, behind its head. Half a surrogate pair becomes U+FFFD. */
export const writeText = (out: Output, text: string): void => {
  const start = out.at
  if (writePlainText(out, text)) return
  out.at = start
  writeBytes(out, majorText, utf8.encode(text))
}
