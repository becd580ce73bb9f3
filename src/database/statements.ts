/**
 * Statements written by hand, for what is asked most. They go past Prisma's interpreter, which costs 0.2 to 0.4 ms
 * of the one thread for each query where the read itself takes 0.01, to the connections that Prisma itself is on,
 * so that locks, transactions and errors are the same. All else is Prisma's.
 *
 * How they are run: statements-sqlite.ts and statements-postgresql.ts.
 */

import type { Provider } from './client.ts'

/** What a statement is given for `$1`, `$2` and so on. */
export type Value = string | number | Date | null

/**
 * Runs one statement.
 *
 * @param sql understood by both kinds of database; the same text is prepared once
 * @returns its rows, with times as dates; none for a change without RETURNING
 */
export type Run = <Row>(sql: string, values: readonly Value[]) => Promise<Row[]>

/** Statements by hand; what is written is durable once its promise is fulfilled. */
export interface Statements {
  provider: Provider
  /** Reads what is committed. */
  read: Run
  /** Makes one change. */
  change: Run
  /** Makes changes that happen whole or not at all. `work` waits for nothing but its own statements. */
  transaction<T>(work: (run: Run) => Promise<T>): Promise<T>
}

/**
 * The columns of a model as its rows have them in TypeScript.
 *
 * @param fields names of the model
 * @param table what the statement calls the table
 */
export function columns(fields: readonly string[], table: string): string {
  return fields.map(field => `${table}.${column(field)} AS "${field}"`).join(', ')
}

/** The column of a field: prisma/models.prisma maps all of them alike. */
export const column = (field: string) => field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

/**
 * Rows as the models have them.
 *
 * @param names of their columns
 * @param isTime whether a column holds times, by its index; a driver has them as text
 */
export function rowsOf<Row>(
  names: readonly string[],
  isTime: (index: number) => boolean,
  rows: readonly (readonly unknown[])[],
): Row[] {
  return rows.map(values => {
    const row: Record<string, unknown> = {}
    for (const [index, name] of names.entries()) {
      const value = values[index]
      row[name] = value !== null && isTime(index) ? new Date(value as string) : value
    }
    return row as Row
  })
}

/** As Prisma's client says it, for those who tell errors apart by code. */
const CODES: Record<string, string> = {
  DatabaseNotReachable: 'P1001',
  SocketTimeout: 'P1008',
  ConnectionClosed: 'P1017',
  UniqueConstraintViolation: 'P2002',
  TransactionWriteConflict: 'P2034',
  TooManyConnections: 'P2037',
}

/** The same for what SQLite's driver says itself: BUSY, CONSTRAINT_UNIQUE and CONSTRAINT_PRIMARYKEY. */
const RAW_CODES: Record<number, string> = { 5: 'P1008', 2067: 'P2002', 1555: 'P2002' }

/** @throws what was thrown, always, with the code that Prisma's client would have given it */
export function known(error: unknown): never {
  const { cause, rawCode } = error as { cause?: { kind?: string }; rawCode?: number }
  const code = CODES[cause?.kind ?? ''] ?? RAW_CODES[rawCode ?? 0]
  if (code !== undefined) Object.assign(error as object, { code })
  throw error
}
