/** Rows of a table for a terminal, two spaces apart: what is a number or an amount to the right. */
export const alignColumns = (rows: readonly (readonly string[])[]): string => {
  const count = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: count }, (_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  const isNumber = (cell: string): boolean => /^[-$?\d]/.test(cell)
  return rows
    .map((row) =>
      `  ${row
        .map((cell, at) => (isNumber(cell) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
        .join('  ')}`.trimEnd(),
    )
    .join('\n')
}
