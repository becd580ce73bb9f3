/** The rows, and the one table that they make. */
import type { Sample } from './driver.ts'

/** A number with its unit. */
export interface Figure {
  value: number
  unit: '/s' | 'µs' | 'ms' | 'MB' | '%'
}

/** What is wanted: of the ratio, or of the figure itself. */
export type Goal = { atLeast: number } | { atMost: number } | { figureAtMost: number; unit: Figure['unit'] }

/** One line of the table. */
export interface Row {
  what: string
  figure: Figure
  /** Milliseconds. */
  p99?: number
  baseline: Figure & { name: string; p99?: number; driver?: number }
  goal?: Goal
  /** CPU time of the driver while the figure was measured, as a share of one core. */
  driver?: number
}

export const microseconds = (value: number): Figure => ({ value, unit: 'µs' })
export const milliseconds = (value: number): Figure => ({ value, unit: 'ms' })
export const megabytes = (value: number): Figure => ({ value, unit: 'MB' })
export const share = (value: number): Figure => ({ value: value * 100, unit: '%' })

/** A row of answers per second. */
export function perSecond(
  { rate, p99, driver }: Sample,
  baseline: Sample & { name: string },
): Pick<Row, 'figure' | 'p99' | 'baseline' | 'driver'> {
  return {
    figure: { value: rate, unit: '/s' },
    ...(p99 !== undefined && { p99 }),
    ...(driver !== undefined && { driver }),
    baseline: {
      name: baseline.name,
      value: baseline.rate,
      unit: '/s',
      ...(baseline.p99 !== undefined && { p99: baseline.p99 }),
      ...(baseline.driver !== undefined && { driver: baseline.driver }),
    },
  }
}

const HEADINGS = ['database', 'what', 'latchkey', 'p99', 'baseline', 'its figure', 'its p99'].concat([
  'ratio',
  'goal',
  'met',
  "driver's CPU",
])

/** Markdown whose columns also line up on a terminal. */
export function table(rows: readonly (Row & { database: string })[]): string {
  const lines = rows.map(row => [
    row.database,
    row.what,
    format(row.figure),
    row.p99 === undefined ? '' : format(milliseconds(row.p99)),
    row.baseline.name,
    format(row.baseline),
    row.baseline.p99 === undefined ? '' : format(milliseconds(row.baseline.p99)),
    digits(ratio(row)),
    row.goal === undefined ? '' : describe(row.goal),
    row.goal === undefined ? '' : isMet(row, row.goal) ? 'yes' : 'no',
    driverShares(row),
  ])
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...lines.map(line => (line[column] ?? '').length)),
  )
  const numeric = (column: number) => ![0, 1, 4, 8, 9].includes(column)
  const print = (cells: readonly string[]) => {
    const padded = cells.map((cell, column) => {
      const width = widths[column] ?? 0
      return numeric(column) ? cell.padStart(width) : cell.padEnd(width)
    })
    return `| ${padded.join(' | ')} |`
  }
  const rule = widths.map((width, column) =>
    numeric(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  )
  return [HEADINGS, rule, ...lines].map(print).join('\n')
}

/** Of latchkey's figure and of the baseline's. */
function driverShares({ driver, baseline }: Row): string {
  if (driver === undefined) return ''
  const percent = (of: number) => `${Math.round(of * 100)} %`
  return baseline.driver === undefined ? percent(driver) : `${percent(driver)}, ${percent(baseline.driver)}`
}

const ratio = (row: Row) => row.figure.value / row.baseline.value

function isMet(row: Row, goal: Goal): boolean {
  if ('atLeast' in goal) return ratio(row) >= goal.atLeast
  if ('atMost' in goal) return ratio(row) <= goal.atMost
  return row.figure.value <= goal.figureAtMost
}

function describe(goal: Goal): string {
  if ('atLeast' in goal) return `ratio at least ${goal.atLeast}`
  if ('atMost' in goal) return `ratio at most ${goal.atMost}`
  return `at most ${format({ value: goal.figureAtMost, unit: goal.unit })}`
}

function format({ value, unit }: Figure): string {
  return unit === '/s' ? `${digits(value)}/s` : `${digits(value)} ${unit}`
}

/** Three significant digits, and never fewer than the whole number has. */
function digits(value: number): string {
  if (value >= 100) return String(Math.round(value))
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
