// eslint-disable-next-line no-control-regex
const escapes = /\u001b\[[0-9;]*m/g
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]$/u
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6])/u

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

const graphemeWidth = (grapheme: string): number => {
  const [first = ''] = grapheme
  if (zeroWidth.test(first)) return 0
  return wide.test(grapheme) ? 2 : 1
}

export const withoutStyle = (text: string): string => text.replace(escapes, '')

/** Cells a text takes on a terminal: colours take none, East Asian and emoji characters two. */
export const textWidth = (text: string): number => {
  const bare = withoutStyle(text)
  // eslint-disable-next-line no-control-regex
  if (/^[\u0020-\u007e]*$/.test(bare)) return bare.length
  let width = 0
  for (const { segment } of graphemes.segment(bare)) width += graphemeWidth(segment)
  return width
}

/** The text in at most `width` cells, its end replaced by an ellipsis where it is longer. Colours are dropped from what is cut. */
export const truncate = (text: string, width: number): string => {
  if (textWidth(text) <= width) return text
  if (width <= 0) return ''
  let kept = ''
  let cells = 0
  for (const { segment } of graphemes.segment(withoutStyle(text))) {
    const next = graphemeWidth(segment)
    if (cells + next > width - 1) break
    kept += segment
    cells += next
  }
  return `${kept}…`
}

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - textWidth(text)))
export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - textWidth(text))) + text

/** What somebody else wrote, made safe to print: control characters, which could move the cursor or hide text, are shown. */
export const printable = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
