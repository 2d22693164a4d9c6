import type { Style } from './style.ts'
import { padEnd, textWidth } from './text-width.ts'

/** Labels and values, one pair a line, values aligned. A value of several lines keeps its indent. */
export const renderFacts = (
  facts: readonly (readonly [label: string, value: string])[],
  { style, indent = '' }: { readonly style: Style; readonly indent?: string },
): string => {
  const width = Math.max(0, ...facts.map(([label]) => textWidth(label)))
  const hanging = `\n${indent}${' '.repeat(width + 2)}`
  return facts
    .map(([label, value]) => `${indent}${style.dim(padEnd(label, width))}  ${value.replaceAll('\n', hanging)}\n`)
    .join('')
}
