/** Formats text for a terminal. */

export type Cell = string | number | boolean | Date | null | undefined

// Text from a mail server or a name may contain escape sequences that a terminal executes. Directional marks reorder
// the text around them (CVE-2021-42574).
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** One line of printable characters; `-` for nothing, times in UTC to the second. */
export function printable(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '-'
  if (cell instanceof Date)
    return cell
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
      .replace('T', ' ')
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no'
  return String(cell).replace(CONTROL, '?')
}

/** Columns below their names, without lines. */
export function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [heads.map(head => head.toUpperCase()), ...rows.map(row => row.map(printable))]
  const widths = heads.map((_, column) => Math.max(...lines.map(line => [...(line[column] ?? '')].length)))
  return lines
    .map(line =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** One property per line. */
export function facts(pairs: readonly (readonly [name: string, value: Cell])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join('\n')
}
