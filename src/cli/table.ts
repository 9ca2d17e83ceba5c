// Columns of text for people.

/** Rows aligned to the widest cell of each column; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, Bun.stringWidth(cell)))
  return rows.map((row) => {
    const cells = row.map((cell, i) =>
      i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - Bun.stringWidth(cell))
    )
    return cells.join('  ').trimEnd() + '\n'
  }).join('')
}
