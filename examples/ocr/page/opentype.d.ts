declare module 'opentype.js' {
  export type PathCommand =
    | { type: 'M'; x: number; y: number }
    | { type: 'L'; x: number; y: number }
    | { type: 'Q'; x1: number; y1: number; x: number; y: number }
    | { type: 'C'; x1: number; y1: number; x2: number; y2: number; x: number; y: number }
    | { type: 'Z' }

  export type Glyph = {
    readonly index: number
    readonly advanceWidth?: number
    getPath(x: number, y: number, fontSize: number): { readonly commands: readonly PathCommand[] }
  }

  export type Font = {
    readonly unitsPerEm: number
    charToGlyph(character: string): Glyph
  }

  const opentype: { parse(bytes: ArrayBuffer): Font }
  export default opentype
}
