/** Paints text; without colour every function gives its text back. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

const paint =
  (open: number, close: number) =>
  (text: string): string =>
    text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`

const plain = (text: string): string => text

const colored: Style = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
  cyan: paint(36, 39),
}

const uncolored: Style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain }

export const styleFor = ({ hasColor }: { readonly hasColor: boolean }): Style => (hasColor ? colored : uncolored)
